package boltstore

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"larder/internal/store"
)

const holdVariable = "LARDER_TEST_HOLD"

// TestHold is another process: it holds the file that its environment names
// until its input ends. By itself it does nothing.
func TestHold(t *testing.T) {
	path := os.Getenv(holdVariable)
	if path == "" {
		return
	}
	s, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("holding\n"); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestAFileInUseByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "larder.db")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHold$")
	cmd.Env = append(os.Environ(), holdVariable+"="+path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "holding" {
	}
	says(t, refused(t, path, store.Unavailable), "another process", "fuser "+path)

	// Whoever waits gets it once the other one is done.
	opened := make(chan error, 1)
	go func() {
		s, err := Open(Options{Path: path, LockTimeout: time.Minute})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	stdin.Close()
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the other process: %v", err)
	}
	if err := <-opened; err != nil {
		t.Errorf("waiting for the file: %v", err)
	}
}

// TestWaitingThroughACompaction has an Open wait for a file that is compacted
// meanwhile: it must not end up with the old one, which has no name any more.
func TestWaitingThroughACompaction(t *testing.T) {
	s := open(t)
	s.apply(put("before", "1"))
	next := s.options
	next.LockTimeout = time.Minute
	opened := make(chan error, 1)
	var other *Store
	go func() {
		var err error
		other, err = Open(next)
		opened <- err
	}()
	poll(t, "the file to be open twice", func() bool { return timesOpen(t, next.Path) == 2 })
	if err := s.Maintain(t.Context(), store.Maintenance{Action: store.Compact}); err != nil {
		t.Fatal(err)
	}
	s.apply(put("after", "2"))
	s.close()
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	s.Store = other
	s.holds("before", "1")
	s.holds("after", "2")
}

// timesOpen counts how often this process has a file open.
func timesOpen(t *testing.T, path string) (n int) {
	t.Helper()
	const dir = "/proc/self/fd"
	open, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		target, err := os.Readlink(filepath.Join(dir, fd.Name()))
		if err == nil && target == path {
			n++
		}
	}
	return n
}
