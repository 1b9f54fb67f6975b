package testenv

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// RedisOptions say what server to start. All may be zero.
type RedisOptions struct {
	// AppendOnly keeps every write in a file that a start reads again.
	AppendOnly bool
	// AppendFsync says when that file is synced: always, everysec or no.
	// always where it is empty.
	AppendFsync string
	// Password is what clients of the user "default" have to give.
	Password string
	// TLS has the server speak TLS alone.
	TLS RedisTLS
	// Settings are for redis.conf, as name and value, quoted as it has them.
	Settings map[string]string
	// Dir is a directory to work in, with what a server has left there; a new
	// one. It has to belong to RedisUser.
	Dir string
}

// RedisServer is a Redis that a test has for itself, to kill too.
type RedisServer struct {
	Address string // 127.0.0.1:PORT, the same through every Start
	Port    int
	Dir     string
	URL     string // redis://127.0.0.1:PORT/0, or rediss://; with the password if there is one

	password  string
	tls       *tls.Config // for commands of the test; nil: in the clear
	settings  map[string]string
	lines     []string // of the configuration, after the settings
	arguments []string // after the configuration's path
	ready     string   // what the log says once it serves
	lived     bool     // it has run, so that its address is known
	daemon
}

// StartRedis starts a server and gives it when it takes connections. The
// test's end stops it and removes its data.
func StartRedis(t testing.TB, o RedisOptions) *RedisServer {
	t.Helper()
	s, err := newRedis(o)
	if err != nil {
		t.Fatalf("Redis: %v", err)
	}
	s.own(t, o.Dir == "")
	if err := s.start(); err != nil {
		t.Fatalf("Redis: %v", err)
	}
	return s
}

// own has the test's end stop the server.
func (s *RedisServer) own(t testing.TB, remove bool) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of Redis at %s:\n%s", s.Address, s.Log())
		}
		if err := s.stop(syscall.SIGKILL); err != nil { // it may be paused
			t.Errorf("Redis does not end: %v", err)
		}
		if !remove {
			return
		}
		if err := os.RemoveAll(s.Dir); err != nil {
			t.Errorf("Redis's data: %v", err)
		}
	})
}

// Start starts it again in its directory and on its port, and waits until it
// takes connections.
func (s *RedisServer) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatalf("Redis does not start: %v", err)
	}
}

// Stop ends it as an operator does, and waits until it is gone.
func (s *RedisServer) Stop(t testing.TB) {
	t.Helper()
	if err := s.stop(syscall.SIGTERM); err != nil {
		t.Fatalf("Redis does not stop: %v", err)
	}
}

// Kill ends it as kill -9 does, and waits until it is gone.
func (s *RedisServer) Kill(t testing.TB) {
	t.Helper()
	if s.process == nil {
		t.Fatal("Redis does not run")
	}
	if err := s.stop(syscall.SIGKILL); err != nil {
		t.Fatalf("kill -9 of Redis: %v", err)
	}
}

// Pause has it stand still as a machine does that hangs: connections stay, and
// the kernel still takes new ones, but nothing is answered until Resume.
func (s *RedisServer) Pause(t testing.TB) {
	t.Helper()
	s.halt(t, syscall.SIGSTOP, true)
}

// Resume ends Pause.
func (s *RedisServer) Resume(t testing.TB) {
	t.Helper()
	s.halt(t, syscall.SIGCONT, false)
}

func (s *RedisServer) halt(t testing.TB, signal syscall.Signal, halted bool) {
	t.Helper()
	if s.process == nil {
		t.Fatal("Redis does not run")
	}
	pid := s.process.Process.Pid
	err := syscall.Kill(pid, signal)
	if err == nil {
		err = await(stopTimeout, func() (bool, error) {
			_, state, found := strings.Cut(readFile(fmt.Sprintf("/proc/%d/stat", pid)), ") ") // after the command
			return found && strings.HasPrefix(state, "T") == halted, nil
		})
	}
	if err != nil {
		t.Fatalf("%v for Redis: %v", signal, err)
	}
}

// Log is what the server has written, all of its lives together.
func (s *RedisServer) Log() string { return readFile(s.logPath()) }

func (s *RedisServer) logPath() string { return filepath.Join(s.Dir, "log") }
func (s *RedisServer) config() string  { return filepath.Join(s.Dir, "redis.conf") }

// RedisUser is who a Redis runs as: nil for whoever runs the tests, unless that
// is root.
var RedisUser = sync.OnceValues(func() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is how os/exec says "as I am"
	}
	return account("redis", "nobody")
})

// newRedis makes a directory, unless there is one, and picks a port.
func newRedis(o RedisOptions) (*RedisServer, error) {
	credential, err := RedisUser()
	if err != nil {
		return nil, err
	}
	s := &RedisServer{Dir: o.Dir, password: o.Password, ready: "Ready to accept connections"}
	if s.Dir == "" {
		if s.Dir, err = serverDir("larder-redis-", credential); err != nil {
			return nil, err
		}
	}
	s.settings = map[string]string{
		"bind":                     "127.0.0.1",
		"daemonize":                "no",
		"dir":                      strconv.Quote(s.Dir),
		"logfile":                  `""`,
		"save":                     `""`,
		"appendonly":               "no",
		"repl-diskless-sync-delay": "0",
	}
	if o.AppendOnly {
		s.settings["appendonly"] = "yes"
		s.settings["appendfsync"] = "always"
		if o.AppendFsync != "" {
			s.settings["appendfsync"] = o.AppendFsync
		}
	}
	if o.Password != "" {
		s.settings["requirepass"] = strconv.Quote(o.Password)
		s.settings["masterauth"] = s.settings["requirepass"]
	}
	if err := s.secure(o.TLS, credential); err != nil {
		return nil, err
	}
	maps.Copy(s.settings, o.Settings)
	return s, s.pickPort()
}

func (s *RedisServer) pickPort() (err error) {
	if s.Port, err = quietPort(); err != nil {
		return err
	}
	s.Address = "127.0.0.1:" + strconv.Itoa(s.Port)
	s.settings["port"] = strconv.Itoa(s.Port)
	if s.settings["cluster-enabled"] == "yes" {
		bus, err := quietPort()
		if err != nil {
			return err
		}
		s.settings["cluster-port"] = strconv.Itoa(bus)
	}
	address := url.URL{Scheme: "redis", Host: s.Address, Path: "/0"}
	if s.tls != nil {
		address.Scheme = "rediss"
		s.settings["port"], s.settings["tls-port"] = "0", s.settings["port"]
	}
	if s.password != "" {
		address.User = url.UserPassword("", s.password)
	}
	s.URL = address.String()
	return nil
}

// start runs the server and returns when it takes connections.
func (s *RedisServer) start() error {
	if s.process != nil {
		return errors.New("it runs already")
	}
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return errors.New("redis-server is not installed: run tools/setup.sh")
	}
	for deadline := time.Now().Add(startTimeout); ; {
		if !s.lived { // then it is the server's, who writes to it
			if err := s.configure(); err != nil {
				return err
			}
		}
		begun := len(s.Log())
		err := s.launch(binary, begun)
		if err == nil || time.Now().After(deadline) {
			s.lived = s.lived || err == nil
			return err
		}
		said := s.Log()[begun:]
		if !strings.Contains(said, "Address already in use") {
			return fmt.Errorf("%w\n%s", err, said)
		}
		if !s.lived {
			if err := s.pickPort(); err != nil {
				return err
			}
		}
	}
}

// configure writes the configuration, which has to belong to the server.
func (s *RedisServer) configure() error {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.settings)) {
		fmt.Fprintf(&text, "%s %s\n", name, s.settings[name])
	}
	for _, line := range s.lines {
		text.WriteString(line + "\n")
	}
	if err := os.WriteFile(s.config(), []byte(text.String()), 0o600); err != nil {
		return err
	}
	credential, err := RedisUser()
	if err != nil || credential == nil {
		return err
	}
	return os.Chown(s.config(), int(credential.Uid), int(credential.Gid))
}

// launch runs it until the log, from some place on, says that it is ready.
func (s *RedisServer) launch(binary string, begun int) error {
	credential, err := RedisUser()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command(binary, append([]string{s.config()}, s.arguments...)...)
	process.Dir = s.Dir
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = &syscall.SysProcAttr{
		Credential: credential,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true, // a ^C at the tests is theirs
	}
	if err := process.Start(); err != nil {
		return err
	}
	s.process = process
	err = await(startTimeout, func() (bool, error) {
		if gone, err := s.reap(); gone || err != nil {
			return false, errors.Join(errors.New("it ended at its start"), err)
		}
		return strings.Contains(s.Log()[begun:], s.ready), nil
	})
	if err != nil && s.process != nil {
		return errors.Join(err, s.stop(syscall.SIGKILL))
	}
	return err
}
