package testenv

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
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
	return account("postgres", "nobody")
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
	return serverDir("larder-postgres-", credential)
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
