package telemetry

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests counts the HTTP requests, for Prometheus and for /stats.
type Requests struct {
	mu       sync.RWMutex
	ops      map[string]*Op
	inFlight atomic.Int64

	requests, duration, bytesIn, bytesOut, working, streams *prometheus.Desc
}

var _ prometheus.Collector = (*Requests)(nil)

// NewRequests makes a counter of requests, to be registered by the caller.
func NewRequests() *Requests {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("larder_http_"+name, help, labels, nil)
	}
	return &Requests{
		ops:      make(map[string]*Op),
		requests: desc("requests_total", "Requests answered, by status code.", "operation", "code"),
		duration: desc("request_duration_seconds", "Time from a request's head to its answer; for a stream, to the head of the answer.", "operation"),
		bytesIn:  desc("request_bytes_total", "Bytes in the bodies of requests.", "operation"),
		bytesOut: desc("response_bytes_total", "Bytes in the bodies of answers.", "operation"),
		working:  desc("in_flight_requests", "Requests being worked on."),
		streams:  desc("open_streams", "Streams that are open.", "operation"),
	}
}

// Operation gives the counter of an operation, always the same one for a
// name. To be called once for each route, not for each request.
func (r *Requests) Operation(name string) *Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	op, ok := r.ops[name]
	if !ok {
		op = &Op{name: name}
		r.ops[name] = op
	}
	return op
}

// CountInFlight counts the requests that next is working on, open streams
// among them.
func (r *Requests) CountInFlight(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.inFlight.Add(1)
		defer r.inFlight.Add(-1)
		next.ServeHTTP(w, req)
	})
}

// InFlight is how many requests are being worked on.
func (r *Requests) InFlight() int64 { return r.inFlight.Load() }

// operations lists the counters by name.
func (r *Requests) operations() []*Op {
	r.mu.RLock()
	defer r.mu.RUnlock()
	sorted := make([]*Op, 0, len(r.ops))
	for _, name := range slices.Sorted(maps.Keys(r.ops)) {
		sorted = append(sorted, r.ops[name])
	}
	return sorted
}

// Describe says which metrics there are.
func (r *Requests) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{r.requests, r.duration, r.bytesIn, r.bytesOut, r.working, r.streams} {
		descs <- d
	}
}

// Collect gives the metrics of the operations that have been asked for.
func (r *Requests) Collect(metrics chan<- prometheus.Metric) {
	counter := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, labels...)
	}
	for _, op := range r.operations() {
		if op.opened.Load() > 0 {
			metrics <- prometheus.MustNewConstMetric(r.streams, prometheus.GaugeValue, float64(op.openStreams()), op.name)
		}
		var latency distribution
		latency.add(&op.latency)
		if latency.count == 0 {
			continue
		}
		metrics <- prometheus.MustNewConstHistogram(r.duration, latency.count, latency.sum.Seconds(), latency.cumulative(), op.name)
		counter(r.bytesIn, float64(op.bytesIn.Load()), op.name)
		counter(r.bytesOut, float64(op.bytesOut.Load()), op.name)
		for _, c := range op.counts() {
			counter(r.requests, float64(c.n.Load()), op.name, strconv.Itoa(c.code))
		}
	}
	metrics <- prometheus.MustNewConstMetric(r.working, prometheus.GaugeValue, float64(r.inFlight.Load()))
}
