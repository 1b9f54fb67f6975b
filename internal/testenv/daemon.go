package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// daemon is the process of a server.
type daemon struct {
	process *exec.Cmd // nil: it does not run
}

// stop sends a signal and waits until the process is gone.
func (d *daemon) stop(signal syscall.Signal) error {
	if d.process == nil {
		return nil
	}
	if err := syscall.Kill(d.process.Process.Pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return await(stopTimeout, d.reap)
}

// reap says whether the process has ended, and buries it then. There is no
// goroutine that waits for it: a server outlives the tests that look for
// goroutines left behind.
func (d *daemon) reap() (gone bool, err error) {
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(d.process.Process.Pid, &status, syscall.WNOHANG, nil)
	switch {
	case errors.Is(err, syscall.EINTR), err == nil && pid == 0:
		return false, nil
	case err != nil && !errors.Is(err, syscall.ECHILD):
		return false, err
	}
	releaseErr := d.process.Process.Release()
	d.process = nil
	return true, releaseErr
}

// readFile gives "" for what can't be read, such as a process that has ended.
func readFile(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// await asks until something holds.
func await(timeout time.Duration, holds func() (bool, error)) error {
	late := time.NewTimer(timeout)
	defer late.Stop()
	ticks := time.NewTicker(3 * time.Millisecond)
	defer ticks.Stop()
	for {
		if is, err := holds(); is || err != nil {
			return err
		}
		select {
		case <-ticks.C:
		case <-late.C:
			return fmt.Errorf("nothing after %v", timeout)
		}
	}
}
