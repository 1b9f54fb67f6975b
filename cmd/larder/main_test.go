package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// beLarder makes this test binary the program itself, so that commands are
// run as they are by users, and with the race detector where tests have it.
const beLarder = "TEST_BINARY_IS_LARDER"

func TestMain(m *testing.M) {
	if os.Getenv(beLarder) != "" {
		main()
	}
	os.Exit(m.Run())
}

// patience bounds everything a test waits for.
const patience = 30 * time.Second

// command is the program with these arguments, and nothing of the
// environment but what is given.
func command(ctx context.Context, env, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append([]string{beLarder + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "GORACE=atexit_sleep_ms=0"}, env...)
	return cmd
}

// result is what came of a command.
type result struct {
	out, err string
	code     int
}

// lines are those on standard error.
func (r result) lines() []string {
	return strings.Split(strings.TrimSuffix(r.err, "\n"), "\n")
}

// call runs a command to its end.
func call(t *testing.T, env []string, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, env, args)
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatalf("larder %v: %v", args, err)
	}
	return result{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// gateway is `larder serve` at work.
type gateway struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	ready   chan string   // the address, when it serves
	done    chan struct{} // closed when the process has ended

	mu  sync.Mutex
	log []map[string]any
}

// start runs a gateway on a free port, with a file of its own unless the
// environment names one.
func start(t *testing.T, env ...string) *gateway {
	t.Helper()
	g := launch(t, env...)
	g.await()
	return g
}

// launch is start that does not wait until the gateway is ready.
func launch(t *testing.T, env ...string) *gateway {
	t.Helper()
	env = append([]string{
		"LARDER_LISTEN=127.0.0.1:0",
		"LARDER_PRIMARY=bolt://" + filepath.Join(t.TempDir(), "larder.db"),
		"LARDER_LOG_FORMAT=json",
	}, env...)
	g := &gateway{t: t, cmd: command(context.Background(), env, []string{"serve"}), ready: make(chan string, 1), done: make(chan struct{})}
	stderr, err := g.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = g.cmd.Process.Kill() // most have ended by now
		<-g.done
	})
	go g.follow(stderr)
	return g
}

// await waits until the gateway is ready.
func (g *gateway) await() {
	g.t.Helper()
	select {
	case g.address = <-g.ready:
	case <-g.done:
		g.t.Fatalf("the gateway ended at once: %v", g.log)
	case <-time.After(patience):
		g.t.Fatal("the gateway is not ready")
	}
}

// follow keeps the log, until the process ends.
func (g *gateway) follow(stderr io.Reader) {
	defer close(g.done)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		line := make(map[string]any)
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			line["text"] = lines.Text()
		}
		g.mu.Lock()
		g.log = append(g.log, line)
		g.mu.Unlock()
		if address, ok := line["address"].(string); ok && line["message"] == "ready" {
			g.ready <- address
		}
	}
	_ = g.cmd.Wait() // its exit code is asked for in exitCode
}

// logged gives the lines of the log with a message.
func (g *gateway) logged(message string) []map[string]any {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []map[string]any
	for _, line := range g.log {
		if line["message"] == message {
			found = append(found, line)
		}
	}
	return found
}

func (g *gateway) signal(sig syscall.Signal) {
	g.t.Helper()
	if err := g.cmd.Process.Signal(sig); err != nil {
		g.t.Fatal(err)
	}
}

// exitCode waits for the process to end.
func (g *gateway) exitCode() int {
	g.t.Helper()
	select {
	case <-g.done:
		return g.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		g.t.Fatal("the gateway does not end")
		return -1
	}
}

func (g *gateway) url(path string) string { return "http://" + g.address + path }

// call runs a client command against the gateway.
func (g *gateway) call(stdin string, args ...string) result {
	g.t.Helper()
	return call(g.t, []string{"LARDER_URL=" + g.url("")}, stdin, args...)
}

// must runs a client command that has to succeed, and gives what it wrote.
func (g *gateway) must(stdin string, args ...string) string {
	g.t.Helper()
	r := g.call(stdin, args...)
	if r.code != 0 {
		g.t.Fatalf("larder %v exits with %d: %s", args, r.code, r.err)
	}
	return r.out
}

// status asks for a path.
func (g *gateway) status(path string) int {
	g.t.Helper()
	request, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, g.url(path), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
