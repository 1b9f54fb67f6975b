package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServeTellsWhereItIsAndHowItKeeps(t *testing.T) {
	g := start(t)
	ready := g.logged("ready")[0]
	if host, port, err := net.SplitHostPort(g.address); err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("the address is %q", g.address)
	}
	if ready["backend"] != "bbolt" || !strings.Contains(ready["durability"].(string), "survives") {
		t.Errorf("the log says %v", ready)
	}
	starting := g.logged("starting")[0]
	if starting["version"] == "" || !strings.HasPrefix(starting["primary"].(string), "bolt://") {
		t.Errorf("the log says %v", starting)
	}
	for _, path := range []string{"/livez", "/readyz", "/health", "/stats", "/backends", "/metrics", "/openapi.json"} {
		if status := g.status(path); status != http.StatusOK {
			t.Errorf("GET %s is %d", path, status)
		}
	}
	g.signal(syscall.SIGTERM)
	if code := g.exitCode(); code != 0 {
		t.Errorf("it exits with %d", code)
	}
	if len(g.logged("stopped")) != 1 {
		t.Error("the log does not say that it stopped")
	}
}

func TestServeRefusesWhatItCannotDo(t *testing.T) {
	dir := t.TempDir()
	busy := start(t, "LARDER_PRIMARY=bolt://"+filepath.Join(dir, "busy.db"))
	tests := []struct {
		name string
		env  []string
		code int
		want string
	}{
		{"unknown setting", []string{"LARDER_LISTN=x"}, 2, "larder: LARDER_LISTN: there is no such setting; did you mean LARDER_LISTEN?"},
		{"wrong value", []string{"LARDER_MAX_DEPTH=deep"}, 2, `larder: LARDER_MAX_DEPTH: "deep" is not a whole number, such as 128`},
		{"open to all", []string{"LARDER_LISTEN=0.0.0.0:0"}, 2, "larder: LARDER_LISTEN: 0.0.0.0:0 is open to other machines"},
		{"unknown backend", []string{"LARDER_PRIMARY=sqlite://x.db"}, 2, `larder: LARDER_PRIMARY: there is no backend for "sqlite://"`},
		{"port in use", []string{"LARDER_LISTEN=" + busy.address}, 1, "larder: LARDER_LISTEN: something listens on " + busy.address + " already"},
		{"file in use", []string{"LARDER_PRIMARY=bolt://" + filepath.Join(dir, "busy.db")}, 1, "is in use by another process"},
		{"not a file", []string{"LARDER_PRIMARY=bolt://" + dir}, 1, "larder: LARDER_PRIMARY: " + dir},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := append([]string{"LARDER_LISTEN=127.0.0.1:0", "LARDER_PRIMARY=bolt://" + filepath.Join(t.TempDir(), "x.db"), "LARDER_LOG_LEVEL=error"}, tt.env...)
			r := call(t, env, "", "serve")
			if r.code != tt.code || len(r.lines()) != 1 || !strings.Contains(r.err, tt.want) {
				t.Errorf("exits with %d, want %d and %q:\n%s", r.code, tt.code, tt.want, r.err)
			}
		})
	}
}

func TestServeAnonymouslyWhenToldTo(t *testing.T) {
	g := start(t, "LARDER_LISTEN=0.0.0.0:0", "LARDER_ALLOW_ANONYMOUS=true")
	_, port, err := net.SplitHostPort(g.address)
	if err != nil {
		t.Fatal(err)
	}
	g.address = net.JoinHostPort("127.0.0.1", port)
	if status := g.status("/readyz"); status != http.StatusOK {
		t.Errorf("it is not ready: %d", status)
	}
}

func TestWhatWasAcknowledgedIsThereAfterARestart(t *testing.T) {
	file := "LARDER_PRIMARY=bolt://" + filepath.Join(t.TempDir(), "larder.db")
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
		g := start(t, file)
		g.must("", "put", "users", sig.String(), "1")
		g.signal(sig)
		g.exitCode()
	}
	g := start(t, file)
	for _, key := range []string{syscall.SIGKILL.String(), syscall.SIGINT.String()} {
		if got := g.must("", "get", "users", key); got != "1" {
			t.Errorf("%s: got %q", key, got)
		}
	}
}

// slowPut begins a PUT whose body ends when finish is called.
func slowPut(t *testing.T, g *gateway) (finish func() int) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, "PUT /tables/users/keys/slow HTTP/1.1\r\nHost: larder\r\nContent-Type: application/json\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	// The server asks for the body when a handler reads it: it is at work.
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q (%v)", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return func() int {
		if _, err := io.WriteString(conn, "true"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
}

// events opens the stream of a table's changes.
func events(t *testing.T, g *gateway) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url("/tables/users/changes"), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the stream is a %d", response.StatusCode)
	}
	return response
}

func TestStoppingFinishesRequestsAndEndsStreams(t *testing.T) {
	g := start(t)
	finish := slowPut(t, g)
	stream := events(t, g)
	g.signal(syscall.SIGTERM)
	if _, err := io.Copy(io.Discard, stream.Body); err != nil {
		t.Errorf("the stream does not end well: %v", err)
	}
	if status := finish(); status != http.StatusCreated {
		t.Errorf("the request under way got a %d", status)
	}
	if code := g.exitCode(); code != 0 {
		t.Errorf("it exits with %d: %v", code, g.log)
	}
}

func TestStoppingTellsLoadBalancersFirst(t *testing.T) {
	g := start(t, "LARDER_SHUTDOWN_DELAY=1h")
	g.signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for g.status("/readyz") != http.StatusServiceUnavailable {
		if ctx.Err() != nil {
			t.Fatal("it goes on being ready")
		}
	}
	for path, want := range map[string]int{"/livez": http.StatusOK, "/health": http.StatusServiceUnavailable, "/tables": http.StatusOK} {
		if status := g.status(path); status != want {
			t.Errorf("GET %s is %d, want %d", path, status, want)
		}
	}
	if r := healthcheck(t, g); r.code != 1 || !strings.Contains(r.err, "the gateway is stopping") {
		t.Errorf("healthcheck exits with %d: %s", r.code, r.err)
	}
	g.signal(syscall.SIGTERM) // the second one does not wait
	if code := g.exitCode(); code == 0 {
		t.Error("it ended as if all had been put away")
	}
}

func TestStoppingCutsOffWhatTakesTooLong(t *testing.T) {
	g := start(t, "LARDER_SHUTDOWN_TIMEOUT=50ms")
	slowPut(t, g)
	g.signal(syscall.SIGTERM)
	if code := g.exitCode(); code != 1 {
		t.Errorf("it exits with %d", code)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	last := g.log[len(g.log)-1]
	if text, _ := last["text"].(string); !strings.Contains(text, "1 requests were cut off after 50ms") {
		t.Errorf("it says %v", last)
	}
}

func TestStreamsOutliveTheReadTimeout(t *testing.T) {
	const timeout = 200 * time.Millisecond
	g := start(t, "LARDER_READ_TIMEOUT="+timeout.String(), "LARDER_REQUEST_TIMEOUT="+timeout.String())
	stream := events(t, g)
	for began := time.Now(); time.Since(began) < 3*timeout; {
		g.status("/livez")
	}
	g.must("", "put", "users", "late", "true")
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"key":"late"`) {
			return
		}
	}
	t.Errorf("the stream ended before the change came: %v", errors.Join(lines.Err(), io.ErrUnexpectedEOF))
}

func healthcheck(t *testing.T, g *gateway, args ...string) result {
	t.Helper()
	return call(t, []string{"LARDER_LISTEN=" + g.address}, "", append([]string{"healthcheck"}, args...)...)
}

func TestHealthcheck(t *testing.T) {
	g := start(t)
	for _, args := range [][]string{nil, {"--live"}} {
		if r := healthcheck(t, g, args...); r.code != 0 || r.err != "" || r.out != "" {
			t.Errorf("%v exits with %d: %s%s", args, r.code, r.out, r.err)
		}
	}
	g.signal(syscall.SIGTERM)
	g.exitCode()
	if r := healthcheck(t, g); r.code != 1 || !strings.Contains(r.err, "no larder answers at "+g.address) {
		t.Errorf("exits with %d: %s", r.code, r.err)
	}
}

func TestReachable(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080",
		"[::]:8080": "[::1]:8080", "[fe80::1]:8080": "[fe80::1]:8080", "larder.example:80": "larder.example:80",
	} {
		if got, err := reachable(listen); got != want || err != nil {
			t.Errorf("%s is reached at %s (%v), want %s", listen, got, err, want)
		}
	}
	if _, err := reachable("127.0.0.1:0"); err == nil {
		t.Error("a port that nobody knows is taken")
	}
}
