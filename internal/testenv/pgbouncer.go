package testenv

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// bouncerServers is how many connections to the server a PgBouncer has for
// each database: few, so that clients have to share them.
const bouncerServers = 3

// PgBouncer starts PgBouncer in transaction mode in front of the server that a
// URL names, and gives the URL by way of it. It has many clients on few
// connections, and refuses startup parameters that it does not keep track of,
// as it does unless told otherwise. The test's end stops it.
func PgBouncer(t testing.TB, serverURL string) string {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatalf("not a URL of a server: %v", err)
	}
	binary, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Fatal("pgbouncer is not installed: run tools/setup.sh")
	}
	dir, err := PostgresDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("PgBouncer's directory: %v", err)
		}
	})
	b := &bouncer{t: t, binary: binary, dir: dir}
	// Somebody else may take the port that was found before PgBouncer does.
	for attempt := 1; !b.start(u); attempt++ {
		if attempt == 5 {
			t.Fatalf("PgBouncer does not start:\n%s", readFile(b.log()))
		}
	}
	t.Cleanup(b.stop)
	u.Host = b.address
	return u.String()
}

type bouncer struct {
	t           testing.TB
	binary, dir string
	address     string
	process     *exec.Cmd
}

func (b *bouncer) log() string { return filepath.Join(b.dir, "log") }

// start runs it, and says whether it listens.
func (b *bouncer) start(server *url.URL) bool {
	b.t.Helper()
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	b.address = free.Addr().String()
	b.write("users", fmt.Sprintf("%q \"\"\n", server.User.Username()))
	b.write("config", bouncerConfig(server, b.dir, free.Addr().(*net.TCPAddr).Port))
	log, err := os.Create(b.log())
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close()
	b.process = exec.Command(b.binary, filepath.Join(b.dir, "config"))
	b.process.Dir = b.dir
	b.process.Env = postgresEnviron()
	b.process.Stdout, b.process.Stderr = log, log
	b.process.SysProcAttr = asPostgres()
	b.process.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := free.Close(); err != nil {
		b.t.Fatal(err)
	}
	if err := b.process.Start(); err != nil {
		b.t.Fatalf("PgBouncer: %v", err)
	}
	err = await(startTimeout, func() (bool, error) {
		text := readFile(b.log())
		if strings.Contains(text, "FATAL") || strings.Contains(text, "cannot") {
			return false, fmt.Errorf("PgBouncer: %s", text)
		}
		return strings.Contains(text, "process up"), nil
	})
	if err != nil {
		b.stop()
	}
	return err == nil
}

// bouncerConfig is its configuration; see pgbouncer(5).
func bouncerConfig(server *url.URL, dir string, port int) string {
	target := fmt.Sprintf("host=%s port=%s", server.Hostname(), cmp.Or(server.Port(), "5432"))
	if password, given := server.User.Password(); given {
		target += " password='" + strings.ReplaceAll(password, "'", "''") + "'"
	}
	return strings.Join([]string{
		"[databases]",
		"* = " + target,
		"[pgbouncer]",
		"listen_addr = 127.0.0.1",
		"listen_port = " + strconv.Itoa(port),
		"unix_socket_dir =",
		"auth_type = trust",
		"auth_file = " + filepath.Join(dir, "users"),
		"pool_mode = transaction",
		"default_pool_size = " + strconv.Itoa(bouncerServers),
		"max_client_conn = 1000",
		"",
	}, "\n")
}

func (b *bouncer) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// stop ends it, which it does at once on SIGTERM.
func (b *bouncer) stop() {
	if b.t.Failed() {
		b.t.Logf("the log of PgBouncer:\n%s", readFile(b.log()))
	}
	_ = b.process.Process.Signal(syscall.SIGTERM) // it may have ended already
	_ = b.process.Wait()                          // by that signal
}
