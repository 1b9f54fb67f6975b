package telemetry

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"larder/internal/buildinfo"
)

func TestExposition(t *testing.T) {
	r := NewRequests()
	get, put, watch := r.Operation("getKey"), r.Operation("putKey"), r.Operation("watchChanges")
	r.Operation("neverAsked")
	for range 3 {
		get.Observe(200, 400*time.Microsecond, 0, 100)
	}
	get.Observe(404, 20*time.Second, 0, 50)
	put.Observe(201, 2*time.Millisecond, 300, 40)
	watch.StreamOpened()
	watch.Observe(200, time.Millisecond, 0, 0)

	const want = `
# HELP larder_http_in_flight_requests Requests being worked on.
# TYPE larder_http_in_flight_requests gauge
larder_http_in_flight_requests 0
# HELP larder_http_open_streams Streams that are open.
# TYPE larder_http_open_streams gauge
larder_http_open_streams{operation="watchChanges"} 1
# HELP larder_http_request_bytes_total Bytes in the bodies of requests.
# TYPE larder_http_request_bytes_total counter
larder_http_request_bytes_total{operation="getKey"} 0
larder_http_request_bytes_total{operation="putKey"} 300
larder_http_request_bytes_total{operation="watchChanges"} 0
# HELP larder_http_requests_total Requests answered, by status code.
# TYPE larder_http_requests_total counter
larder_http_requests_total{code="200",operation="getKey"} 3
larder_http_requests_total{code="404",operation="getKey"} 1
larder_http_requests_total{code="201",operation="putKey"} 1
larder_http_requests_total{code="200",operation="watchChanges"} 1
# HELP larder_http_response_bytes_total Bytes in the bodies of answers.
# TYPE larder_http_response_bytes_total counter
larder_http_response_bytes_total{operation="getKey"} 350
larder_http_response_bytes_total{operation="putKey"} 40
larder_http_response_bytes_total{operation="watchChanges"} 0
`
	err := testutil.CollectAndCompare(r, strings.NewReader(want),
		"larder_http_requests_total", "larder_http_request_bytes_total", "larder_http_response_bytes_total",
		"larder_http_in_flight_requests", "larder_http_open_streams")
	if err != nil {
		t.Error(err)
	}
	if got := testutil.CollectAndCount(r, "larder_http_request_duration_seconds"); got != 3 {
		t.Errorf("%d histograms, want 3", got)
	}
}

func TestExportedBuckets(t *testing.T) {
	r := NewRequests()
	op := r.Operation("getKey")
	for _, took := range []time.Duration{50 * time.Microsecond, 100 * time.Microsecond, 101 * time.Microsecond, time.Second, 11 * time.Second} {
		op.Observe(200, took, 0, 0)
	}
	text, err := testutil.CollectAndFormat(r, expfmt.TypeTextPlain, "larder_http_request_duration_seconds")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{operation="getKey",le="0.0001"} 2`, `le="0.00025"} 3`, `le="0.5"} 3`, `le="1"} 4`, `le="10"} 4`, `le="+Inf"} 5`,
		`larder_http_request_duration_seconds_count{operation="getKey"} 5`,
		`larder_http_request_duration_seconds_sum{operation="getKey"} 12.000251`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in:\n%s", want, text)
		}
	}
}

func TestNamesPassPrometheusLint(t *testing.T) {
	registry := NewRegistry(buildinfo.Read())
	r := NewRequests()
	registry.MustRegister(r)
	op := r.Operation("getKey")
	op.StreamOpened()
	op.Observe(200, time.Millisecond, 1, 1)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "larder_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if n, err := testutil.GatherAndCount(registry, "larder_build_info", "go_goroutines", "process_open_fds"); n != 3 || err != nil {
		t.Errorf("got %d metrics of the process (%v), want 3", n, err)
	}
}

func TestSnapshot(t *testing.T) {
	r := NewRequests()
	get, put := r.Operation("getKey"), r.Operation("putKey")
	r.Operation("neverAsked")
	for status, n := range map[int]int{200: 90, 304: 4, 404: 3, 412: 1, 503: 2} {
		for range n {
			get.Observe(status, 10*time.Millisecond, 1, 2)
		}
	}
	put.Observe(201, 90*time.Millisecond, 100, 10)
	put.StreamOpened()

	s := r.Snapshot()
	if s.OpenStreams != 1 {
		t.Errorf("%d streams", s.OpenStreams)
	}
	if len(s.Operations) != 2 {
		t.Errorf("operations: %v", s.Operations)
	}
	g := s.Operations["getKey"]
	if g.Requests != 100 || g.Successful != 94 || g.Refused != 4 || g.Failed != 2 || g.BytesIn != 100 || g.BytesOut != 200 {
		t.Errorf("getKey: %+v", g)
	}
	if g.Mean != 10*time.Millisecond || g.Peak != 10*time.Millisecond {
		t.Errorf("getKey took %v, at most %v", g.Mean, g.Peak)
	}
	all := s.All
	if all.Requests != 101 || all.Successful != 95 || all.BytesIn != 200 || all.BytesOut != 210 || all.Peak != 90*time.Millisecond {
		t.Errorf("all: %+v", all)
	}
	if all.P50 < 8*time.Millisecond || all.P50 > 10*time.Millisecond || all.P99 > 10*time.Millisecond {
		t.Errorf("all: p50 %v, p99 %v", all.P50, all.P99)
	}
}

func TestInFlight(t *testing.T) {
	r := NewRequests()
	var during int64
	h := r.CountInFlight(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		during = r.Snapshot().InFlight
		panic(http.ErrAbortHandler)
	}))
	func() {
		defer func() { _ = recover() }()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	}()
	if after := r.Snapshot().InFlight; during != 1 || after != 0 {
		t.Errorf("%d in flight while one was, %d afterwards", during, after)
	}
}

func TestStreamsAreCounted(t *testing.T) {
	r := NewRequests()
	op := r.Operation("listChanges")
	op.StreamOpened()
	op.StreamOpened()
	op.StreamClosed()
	if got := r.Snapshot().OpenStreams; got != 1 {
		t.Errorf("%d streams are open, want 1", got)
	}
}

func TestCountingFromManyGoroutines(t *testing.T) {
	r := NewRequests()
	const workers, each = 8, 500
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			op := r.Operation("getKey")
			for i := range each {
				op.Observe(200+(w+i)%50, time.Millisecond, 1, 1)
			}
		})
	}
	group.Wait()
	s := r.Snapshot()
	if s.All.Requests != workers*each || s.All.BytesOut != workers*each {
		t.Errorf("got %+v", s)
	}
	if n := testutil.CollectAndCount(r, "larder_http_requests_total"); n != 50 {
		t.Errorf("%d codes, want 50", n)
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	op := NewRequests().Operation("getKey")
	op.Observe(200, 0, 0, 0)
	if n := testing.AllocsPerRun(100, func() {
		op.Observe(200, 123*time.Microsecond, 0, 300)
	}); n != 0 {
		t.Errorf("a request costs %v allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	op := NewRequests().Operation("getKey")
	b.ReportAllocs()
	for b.Loop() {
		op.Observe(200, 123*time.Microsecond, 0, 300)
	}
}

func BenchmarkObserveParallel(b *testing.B) {
	op := NewRequests().Operation("getKey")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			op.Observe(200, 123*time.Microsecond, 0, 300)
		}
	})
}

// BenchmarkObserveClientGolang is the same with the library's own types, their
// labels resolved beforehand.
func BenchmarkObserveClientGolang(b *testing.B) {
	labels := prometheus.Labels{"operation": "getKey"}
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight"})
	count := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "count"}, []string{"operation"}).With(labels)
	out := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "out"}, []string{"operation"}).With(labels)
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "d", Buckets: prometheus.DefBuckets}, []string{"operation"}).With(labels)
	b.ReportAllocs()
	for b.Loop() {
		inFlight.Inc()
		count.Inc()
		out.Add(300)
		duration.Observe((123 * time.Microsecond).Seconds())
		inFlight.Dec()
	}
}
