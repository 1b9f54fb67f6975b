package testenv

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PostgresOptions say what server to start. All may be zero.
type PostgresOptions struct {
	// Durable keeps every commit through a crash of the machine, as a server
	// in production does, and autovacuum on.
	Durable bool
	// Settings are for postgresql.conf, as name and value.
	Settings map[string]string
	// DataDir is a data directory to serve, such as a base backup; a new one.
	// It has to belong to PostgresUser.
	DataDir string
}

// PostgresServer is a PostgreSQL that a test has for itself, to kill too.
type PostgresServer struct {
	Address string // 127.0.0.1:PORT, the same through every Start
	Port    int
	DataDir string

	settings map[string]string
	lived    bool // it has run, so that its address is known
	daemon
}

// StartPostgres starts a server and gives it when it takes connections. The
// test's end stops it and removes its data.
func StartPostgres(t testing.TB, o PostgresOptions) *PostgresServer {
	t.Helper()
	s, err := newPostgres(o)
	if err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of PostgreSQL at %s:\n%s", s.Address, s.Log())
		}
		if err := s.stop(syscall.SIGQUIT); err != nil {
			t.Errorf("PostgreSQL does not end well: %v", err)
		}
		if err := freeMemory(s.DataDir); err != nil {
			t.Errorf("PostgreSQL's memory: %v", err)
		}
		if err := os.RemoveAll(filepath.Dir(s.DataDir)); o.DataDir == "" && err != nil {
			t.Errorf("PostgreSQL's data: %v", err)
		}
	})
	if err := s.start(); err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	return s
}

// URL is that of a database of the server, for its superuser.
func (s *PostgresServer) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", s.Address, database)
}

// Start starts it again on its data and port, and waits until it takes
// connections.
func (s *PostgresServer) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatalf("PostgreSQL does not start: %v", err)
	}
}

// Stop ends it as an operator does ("fast": running transactions are broken
// off), and waits until it is gone.
func (s *PostgresServer) Stop(t testing.TB) {
	t.Helper()
	if err := s.stop(syscall.SIGINT); err != nil {
		t.Fatalf("PostgreSQL does not stop: %v", err)
	}
}

// Kill ends it and all its processes as kill -9 does, and waits until they are
// gone.
func (s *PostgresServer) Kill(t testing.TB) {
	t.Helper()
	if s.process == nil {
		t.Fatal("PostgreSQL does not run")
	}
	pid := s.process.Process.Pid
	if err := killTree(pid); err != nil {
		t.Fatalf("kill -9 of PostgreSQL: %v", err)
	}
	if err := s.stop(syscall.SIGKILL); err != nil {
		t.Fatalf("kill -9 of PostgreSQL: %v", err)
	}
}

// Log is what the server has written, all of its lives together.
func (s *PostgresServer) Log() string {
	text, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (s *PostgresServer) logPath() string { return filepath.Join(filepath.Dir(s.DataDir), "log") }

// newPostgres makes a data directory, unless there is one, and picks a port.
func newPostgres(o PostgresOptions) (*PostgresServer, error) {
	s := &PostgresServer{DataDir: o.DataDir}
	if s.DataDir == "" {
		var err error
		if s.DataDir, err = initdb(); err != nil {
			return nil, err
		}
	}
	s.settings = map[string]string{
		"listen_addresses":           "127.0.0.1",
		"unix_socket_directories":    filepath.Dir(s.DataDir),
		"max_connections":            "300",
		"max_locks_per_transaction":  "256",
		"shared_buffers":             "64MB",
		"dynamic_shared_memory_type": "mmap", // goes with the directory, where a kill -9 would leave /dev/shm full
		"log_timezone":               "UTC",
		"timezone":                   "UTC",
	}
	if !o.Durable {
		maps.Copy(s.settings, map[string]string{"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "4GB"})
	}
	maps.Copy(s.settings, o.Settings)
	return s, s.pickPort()
}

// start runs the server and returns when it takes connections.
func (s *PostgresServer) start() error {
	if s.process != nil {
		return errors.New("it runs already")
	}
	binary, err := PostgresBinary("postgres")
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(startTimeout); ; {
		begun := len(s.Log())
		err := s.launch(binary)
		if err == nil || time.Now().After(deadline) {
			s.lived = s.lived || err == nil
			return err
		}
		// After a kill -9 the last processes of the life before may hold on to
		// its memory or its port for a moment.
		said := s.Log()
		said = said[min(begun, len(said)):]
		if !strings.Contains(said, "pre-existing shared memory block") && !strings.Contains(said, "could not bind") {
			return fmt.Errorf("%w\n%s", err, said)
		}
		if !s.lived {
			if err := s.pickPort(); err != nil {
				return err
			}
		}
	}
}

func (s *PostgresServer) launch(binary string) error {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	arguments := []string{"-D", s.DataDir}
	for _, name := range slices.Sorted(maps.Keys(s.settings)) {
		arguments = append(arguments, "-c", name+"="+s.settings[name])
	}
	process := exec.Command(binary, arguments...)
	process.Dir = s.DataDir
	process.Env = postgresEnviron()
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = asPostgres()
	process.SysProcAttr.Pdeathsig = syscall.SIGQUIT // immediate shutdown, and no memory left behind
	process.SysProcAttr.Setpgid = true              // a ^C at the tests is theirs
	if err := process.Start(); err != nil {
		return err
	}
	s.process = process
	ready := strconv.Itoa(process.Process.Pid)
	err = await(startTimeout, func() (bool, error) {
		if gone, err := s.reap(); gone || err != nil {
			return false, errors.Join(errors.New("it ended at its start"), err)
		}
		lines := strings.Split(readFile(filepath.Join(s.DataDir, "postmaster.pid")), "\n")
		return len(lines) > 7 && lines[0] == ready && strings.TrimSpace(lines[7]) == "ready", nil
	})
	if err != nil && s.process != nil {
		return errors.Join(err, s.stop(syscall.SIGKILL))
	}
	return err
}

// killTree ends a process and its children at once. Nothing of them is left to
// say goodbye to a client but what the kernel closes.
func killTree(pid int) error {
	children, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	family := []int{pid}
	for _, path := range children {
		_, rest, found := strings.Cut(readFile(path), ") ") // after the command: state, parent
		fields := strings.Fields(rest)
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); found && err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			family = append(family, child)
		}
	}
	for _, one := range family {
		if err := syscall.Kill(one, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// pickPort picks a port that nobody listens on; by the time the server does,
// somebody else may.
func (s *PostgresServer) pickPort() (err error) {
	if s.Port, err = quietPort(); err != nil {
		return err
	}
	s.settings["port"] = strconv.Itoa(s.Port)
	s.Address = "127.0.0.1:" + s.settings["port"]
	return nil
}
