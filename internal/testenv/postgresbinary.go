package testenv

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// PostgresBinary finds a program of PostgreSQL's: of the newest server that
// Debian has installed, else in PATH.
func PostgresBinary(name string) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err == nil && len(found) > 0 {
		return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(major(a), major(b)) }), nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: run tools/setup.sh, or set LARDER_TEST_POSTGRES_URL", name)
	}
	return path, nil
}

// major is the version in the path of a program: of /usr/lib/postgresql/15/bin/postgres.
func major(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// PostgresUser is who PostgreSQL's programs run as: nil for whoever runs the
// tests, unless that is root, which they refuse.
var PostgresUser = sync.OnceValues(func() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is how os/exec says "as I am"
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("the tests run as root, and there is no user postgres or nobody to run PostgreSQL as")
})

func asPostgres() *syscall.SysProcAttr {
	credential, err := PostgresUser()
	if err != nil {
		panic(err) // PostgresDir, which comes first, has reported it
	}
	return &syscall.SysProcAttr{Credential: credential}
}

// postgresEnviron is the environment without what PostgreSQL's programs take
// settings from.
func postgresEnviron() []string {
	kept := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "PG") || strings.HasPrefix(pair, "LC_") || strings.HasPrefix(pair, "LANG")
	})
	return append(kept, "LC_ALL=C")
}

// PostgresDir makes a temporary directory that belongs to PostgresUser. It is
// removed when the test process is gone, whatever that ends by; a test may do
// so earlier.
func PostgresDir() (string, error) {
	credential, err := PostgresUser()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "larder-postgres-")
	if err != nil {
		return "", err
	}
	if credential != nil {
		if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
			return "", err
		}
	}
	return dir, removeAfterwards(dir)
}

// janitors are the pipes whose end tells a janitor that this process is gone.
var janitors struct {
	sync.Mutex
	pipes []*os.File
}

// removeAfterwards starts a process that waits for the end of this one, and
// then removes a directory. The server in it ends at the same time, so it may
// take several tries.
func removeAfterwards(dir string) error {
	end, held, err := os.Pipe()
	if err != nil {
		return err
	}
	defer end.Close()
	janitor := exec.Command("/bin/sh", "-c", `read -r _; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" && exit; sleep 1; done`, "janitor", dir)
	janitor.Stdin = end
	janitor.Dir = "/"
	janitor.SysProcAttr = asPostgres()
	janitor.SysProcAttr.Setpgid = true
	if err := janitor.Start(); err != nil {
		return errors.Join(err, held.Close())
	}
	janitors.Lock()
	defer janitors.Unlock()
	janitors.pipes = append(janitors.pipes, held)
	return janitor.Process.Release()
}

// initdb makes a data directory, of the locale C unless told otherwise.
func initdb() (string, error) {
	binary, err := PostgresBinary("initdb")
	if err != nil {
		return "", err
	}
	dir, err := PostgresDir()
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	run := exec.Command(binary, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	run.Dir = dir
	run.Env = postgresEnviron()
	run.SysProcAttr = asPostgres()
	if output, err := run.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return data, nil
}
