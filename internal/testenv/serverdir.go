package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// account is the first of some users that the machine has.
func account(names ...string) (*syscall.Credential, error) {
	for _, name := range names {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(found.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("the tests run as root, and there is no user %s to run a server as", strings.Join(names, " or "))
}

// serverDir makes a temporary directory that belongs to a server's user. It is
// removed when the test process is gone, whatever that ends by; a test may do
// so earlier.
func serverDir(pattern string, credential *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp("", pattern)
	if err != nil {
		return "", err
	}
	if credential != nil {
		if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
			return "", err
		}
	}
	return dir, removeAfterwards(dir, credential)
}

// janitors are the pipes whose end tells a janitor that this process is gone.
var janitors struct {
	sync.Mutex
	pipes []*os.File
}

// removeAfterwards starts a process that waits for the end of this one, and
// then removes a directory. The server in it ends at the same time, so it may
// take several tries.
func removeAfterwards(dir string, credential *syscall.Credential) error {
	end, held, err := os.Pipe()
	if err != nil {
		return err
	}
	defer end.Close()
	janitor := exec.Command("/bin/sh", "-c", `read -r _; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" && exit; sleep 1; done`, "janitor", dir)
	janitor.Stdin = end
	janitor.Dir = "/"
	janitor.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true}
	if err := janitor.Start(); err != nil {
		return errors.Join(err, held.Close())
	}
	janitors.Lock()
	defer janitors.Unlock()
	janitors.pipes = append(janitors.pipes, held)
	return janitor.Process.Release()
}
