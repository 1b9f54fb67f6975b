package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// How long a server may take.
const (
	startTimeout = 30 * time.Second // to listen; the race detector and a busy machine are slow
	stopTimeout  = 30 * time.Second // to end after SIGTERM
)

// Options say how to serve. All may be zero.
type Options struct {
	Dir string   // to work in, data/larder.db within it; a new temporary one
	Env []string // settings, as LARDER_NAME=VALUE
}

// Larder is a `larder serve` that runs.
type Larder struct {
	URL     string // http://127.0.0.1:PORT
	Address string // 127.0.0.1:PORT
	Dir     string
	PID     int

	t       testing.TB
	process *exec.Cmd
	log     *logTap
	ended   chan struct{} // closed when the process is gone
	exit    error         // then: how
}

// Environ is the test's environment without settings that larder understands,
// which are whoever's runs the test.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "LARDER_") || strings.HasPrefix(pair, "POSTGRES_") || strings.HasPrefix(pair, "REDIS_")
	})
}

// Serve starts a server and waits until it listens. The test's end stops it,
// and fails where it can't be stopped in peace.
func (b Binary) Serve(t testing.TB, o Options) *Larder {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	l := &Larder{Dir: o.Dir, t: t, log: &logTap{listening: make(chan string, 1)}, ended: make(chan struct{})}
	l.process = exec.Command(b.Path, "serve")
	l.process.Dir = o.Dir
	l.process.Env = slices.Concat(Environ(), []string{"LARDER_LISTEN=127.0.0.1:0"}, o.Env)
	l.process.Stdout, l.process.Stderr = l.log, l.log
	l.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := l.process.Start(); err != nil {
		t.Fatalf("larder does not start: %v", err)
	}
	l.PID = l.process.Process.Pid
	go func() {
		l.exit = l.process.Wait()
		close(l.ended)
	}()
	t.Cleanup(l.cleanUp)

	late := time.NewTimer(startTimeout)
	defer late.Stop()
	select {
	case l.Address = <-l.log.listening:
		l.URL = "http://" + l.Address
	case <-l.ended:
		t.Fatalf("larder ended at its start: %v\n%s", l.exit, l.Log())
	case <-late.C:
		t.Fatalf("larder does not listen after %v\n%s", startTimeout, l.Log())
	}
	return l
}

// Kill ends the process as kill -9 does, and returns when it is gone.
func (l *Larder) Kill() {
	if err := l.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		l.t.Errorf("kill -9 %d: %v", l.PID, err)
	}
	<-l.ended
}

// Pause has the process stand still as on a machine that hangs: its connections stay
// open, and nothing is answered until Resume.
func (l *Larder) Pause() { l.signal(syscall.SIGSTOP) }

// Resume ends Pause.
func (l *Larder) Resume() { l.signal(syscall.SIGCONT) }

func (l *Larder) signal(signal syscall.Signal) {
	if err := l.process.Process.Signal(signal); err != nil {
		l.t.Errorf("%v for larder %d: %v", signal, l.PID, err)
	}
}

// Stop asks the process to end, waits until it is gone, and says how it went.
func (l *Larder) Stop() error {
	if err := l.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-l.ended:
		return l.exit
	case <-late.C:
		l.Kill()
		return fmt.Errorf("larder goes on %v after SIGTERM", stopTimeout)
	}
}

// Log is what the process has written so far.
func (l *Larder) Log() string { return l.log.String() }

func (l *Larder) cleanUp() {
	select {
	case <-l.ended:
	default:
		if err := l.Stop(); err != nil {
			l.t.Errorf("larder does not end well: %v", err)
		}
	}
	if l.t.Failed() {
		l.t.Logf("the log of larder %d:\n%s", l.PID, l.Log())
	}
}

// listenAddress is how a log tells the port that was taken, in either format;
// the character after it shows that it is all there.
var listenAddress = regexp.MustCompile(`\baddress(?:":"|=)(127\.0\.0\.1:[1-9][0-9]*)[^0-9]`)

// logTap keeps a log and finds the address in it.
type logTap struct {
	listening chan string

	mu    sync.Mutex
	text  bytes.Buffer
	found bool
}

// Write never fails.
func (l *logTap) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if !l.found {
		if match := listenAddress.FindSubmatch(l.text.Bytes()); match != nil {
			l.found = true
			l.listening <- string(match[1])
		}
	}
	return len(p), nil
}

func (l *logTap) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
