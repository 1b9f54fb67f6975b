package conformance_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
)

// faulty lets a test say what comes of a read or a write.
type faulty struct {
	*storetest.Model
	get   func(context.Context) error // nil: as the model does
	apply func(context.Context) error
	scan  func(context.Context, store.Scan) error
}

func (f *faulty) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if f.get != nil {
		if err := f.get(ctx); err != nil {
			return store.Read{}, err
		}
	}
	return f.Model.Get(ctx, refs)
}

func (f *faulty) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if f.apply != nil {
		if err := f.apply(ctx); err != nil {
			return nil, err
		}
	}
	return f.Model.Apply(ctx, b)
}

func (f *faulty) Scan(ctx context.Context, s store.Scan) (store.Page, error) {
	if f.scan != nil {
		if err := f.scan(ctx, s); err != nil {
			return store.Page{}, err
		}
	}
	return f.Model.Scan(ctx, s)
}

func TestFailuresOfTheBackend(t *testing.T) {
	s := &faulty{Model: storetest.NewModel(storetest.ModelOptions{})}
	c := serveStore(t, s, gateway.Options{})
	const secret = "pq: password authentication failed for user at 10.0.0.7"
	for _, r := range []struct {
		err       error
		status    int
		code      string
		retryable bool
	}{
		{&store.Error{Code: store.Unavailable, Detail: "the backend can't be reached", Err: errors.New(secret)}, 503, "unavailable", true},
		{&store.Error{Code: store.Timeout, Detail: "it took too long", Err: errors.New(secret)}, 503, "timeout", true},
		{&store.Error{Code: store.StorageFull, Detail: "no room", Err: errors.New(secret)}, 507, "storage_full", false},
		{&store.Error{Code: store.Ambiguous, Detail: "it may have been written", Err: errors.New(secret)}, 504, "outcome_unknown", false},
		{&store.Error{Code: store.Internal, Detail: secret}, 500, "internal", false},
		{errors.New(secret), 500, "internal", false},
	} {
		s.apply = func(context.Context) error { return r.err }
		before := len(c.Log.Lines())
		a := c.do("PUT", keyPath, `1`)
		p := a.fails(r.status, r.code)
		if p.Retryable != r.retryable || strings.Contains(a.body, "10.0.0.7") {
			t.Errorf("%s is %s", r.code, a.body)
		}
		lines := c.Log.Lines()[before:]
		if len(lines) != 1 || !strings.Contains(lines[0], p.RequestID) || strings.Contains(lines[0], keyPath) {
			t.Errorf("%s was logged as %q", r.code, lines)
		}
	}
	s.apply = nil
	c.do("PUT", keyPath, `1`).is(http.StatusCreated)
}

func TestTimeouts(t *testing.T) {
	s := &faulty{Model: storetest.NewModel(storetest.ModelOptions{})}
	s.get = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	c := serveStore(t, s, streaming(httpapi.Options{RequestTimeout: time.Millisecond}))
	c.do("GET", keyPath, "").fails(http.StatusServiceUnavailable, "timeout")
}

func TestPanics(t *testing.T) {
	s := &faulty{Model: storetest.NewModel(storetest.ModelOptions{})}
	s.get = func(context.Context) error { panic("boom: 10.0.0.7") }
	c := serveStore(t, s, gateway.Options{})
	a := c.do("GET", keyPath, "")
	p := a.fails(http.StatusInternalServerError, "internal")
	if strings.Contains(a.body, "boom") {
		t.Errorf("it says %s", a.body)
	}
	if !slices.ContainsFunc(c.Log.Lines(), func(line string) bool {
		return strings.Contains(line, "boom") && strings.Contains(line, "stack") && strings.Contains(line, p.RequestID)
	}) {
		t.Errorf("the log has %q", c.Log.Lines())
	}
	s.get = nil
	c.put("k", `1`)
	c.do("GET", keyPath, "").holds(`1`)
	if got := c.Requests.Statuses("getKey"); !slices.Equal(got, []int{500, 200}) {
		t.Errorf("counted as %v", got)
	}
}

// TestPanicsMidway makes sure that no client takes a part for the whole.
func TestPanicsMidway(t *testing.T) {
	s := &faulty{Model: storetest.NewModel(storetest.ModelOptions{})}
	c := serveStore(t, s, gateway.Options{})
	c.fill(1500)
	s.scan = func(_ context.Context, scan store.Scan) error {
		if scan.After != "" {
			panic("boom")
		}
		return nil
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL+"/tables/t/keys", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/x-ndjson")
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := discard(resp.Body); err == nil {
		t.Errorf("after %d bytes the lines ended as if they were all", n)
	}
	c.do("GET", "/livez", "").is(http.StatusOK)
}

func TestRequestIDs(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.do("GET", "/livez", "", "X-Request-Id: mine-1").has("X-Request-Id", "mine-1")
	p := c.do("GET", keyPath, "", "X-Request-Id: mine-2").fails(http.StatusNotFound, "not_found")
	if p.RequestID != "mine-2" || p.Instance != keyPath {
		t.Errorf("the problem is %+v", p)
	}
	seen := map[string]bool{}
	for _, headers := range [][]string{{}, {}, {"X-Request-Id: with space"}, {"X-Request-Id: " + strings.Repeat("x", 129)}, {"X-Request-Id: ä"}, {"X-Request-Id: a", "X-Request-Id: b"}} {
		id := c.do("GET", "/livez", "", headers...).header.Get("X-Request-Id")
		if len(id) != 24 || strings.Trim(id, "0123456789abcdefghijklmnopqrstuv") != "" || seen[id] {
			t.Errorf("%q was given the id %q", headers, id)
		}
		seen[id] = true
	}
}

func TestLifeOfTheGateway(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.do("GET", "/readyz", "").holds("ok\n")
	for _, status := range []api.HealthStatus{api.HealthStatusStarting, api.HealthStatusStopping, api.HealthStatusFailed} {
		c.Life.Become(status)
		if h := decode[api.Health](c.do("GET", "/health", "").is(http.StatusServiceUnavailable)); h.Status != status {
			t.Errorf("health is %+v", h)
		}
		c.do("GET", "/readyz", "").fails(http.StatusServiceUnavailable, "unavailable")
		c.do("GET", "/livez", "").holds("ok\n")
	}
	c.Life.Become(api.HealthStatusRunning)
	c.do("GET", "/health", "").is(http.StatusOK)
	c.do("GET", "/backends/model", "").is(http.StatusOK)
	at(t, c.do("GET", "/backends/other", "").fails(http.StatusNotFound, "not_found"), "parameter name")
	if s := decode[api.Stats](c.do("GET", "/stats", "").is(http.StatusOK)); len(s.Backends) != 1 || s.Backends[0].Name != "model" || s.Backends[0].Figures == nil {
		t.Errorf("the figures of the backends are %+v", s.Backends)
	}
	c.do("GET", "/metrics", "").is(http.StatusOK)
}

func TestContractAndPages(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, path := range []string{"/openapi.yaml", "/openapi.json", "/docs", "/docs/problems.html", "/docs/docs.js", "/docs/docs.css", "/docs/icon.svg"} {
		a := c.do("GET", path, "").is(http.StatusOK).has("Cache-Control", "no-cache").has("X-Content-Type-Options", "nosniff")
		c.do("GET", path, "", "If-None-Match: "+a.header.Get("ETag")).is(http.StatusNotModified)
	}
	c.do("GET", "/docs", "").has("Content-Type", "text/html; charset=utf-8")
	c.do("GET", "/docs/", "").is(http.StatusPermanentRedirect).has("Location", "../docs")
}

// TestShutdown goes the way down that the app goes.
func TestShutdown(t *testing.T) {
	s := &faulty{Model: storetest.NewModel(storetest.ModelOptions{})}
	c := serveStore(t, s, gateway.Options{})
	e := c.listen("")
	e.block()
	entered, leave := make(chan struct{}), make(chan struct{})
	s.apply = func(context.Context) error { close(entered); <-leave; return nil }
	written := make(chan *answer)
	go func() { written <- c.do("PUT", keyPath, `1`) }()
	<-entered
	c.API.EndStreams()
	if rest := e.block(); rest != "" {
		t.Errorf("the stream goes on with %q", rest)
	}
	down := make(chan error)
	go func() { down <- c.Server().Shutdown(context.WithoutCancel(t.Context())) }()
	close(leave)
	(<-written).is(http.StatusCreated) // what had begun is done
	if err := <-down; err != nil {
		t.Error(err)
	}
	if err := c.API.Close(); err != nil {
		t.Error(err)
	}
}
