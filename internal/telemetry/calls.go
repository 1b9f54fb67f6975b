package telemetry

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Calls counts the calls to backends, for Prometheus and for /stats.
type Calls struct {
	mu    sync.RWMutex
	calls map[[2]string]*Call // by backend and name

	duration, failures *prometheus.Desc
}

var _ prometheus.Collector = (*Calls)(nil)

// Call counts one kind of call to one backend.
type Call struct {
	latency histogram
	failed  atomic.Uint64
}

// Observe counts a call: how long it took, and whether it failed by the
// backend's fault.
func (c *Call) Observe(took time.Duration, failed bool) {
	c.latency.observe(took)
	if failed {
		c.failed.Add(1)
	}
}

// NewCalls makes a counter of calls, to be registered by the caller.
func NewCalls() *Calls {
	labels := []string{"backend", "call"}
	return &Calls{
		calls:    make(map[[2]string]*Call),
		duration: prometheus.NewDesc("larder_backend_call_duration_seconds", "Time that calls to the backend took.", labels, nil),
		failures: prometheus.NewDesc("larder_backend_call_failures_total", "Calls that failed by the backend's fault.", labels, nil),
	}
}

// Call gives the counter of a kind of call, always the same one for a backend
// and a name. To be asked for once, not for each call.
func (c *Calls) Call(backend, name string) *Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := [2]string{backend, name}
	if c.calls[id] == nil {
		c.calls[id] = &Call{}
	}
	return c.calls[id]
}

// Backend adds up the calls to a backend. Refused is always 0: what is the
// caller's fault counts as answered.
func (c *Calls) Backend(name string) Figures {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var all distribution
	var f Figures
	for id, call := range c.calls {
		if id[0] == name {
			all.add(&call.latency)
			f.Failed += call.failed.Load()
		}
	}
	f.setLatency(&all)
	f.Requests = max(all.count, f.Failed)
	f.Successful = f.Requests - f.Failed
	return f
}

// Describe says which metrics there are.
func (c *Calls) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.duration
	descs <- c.failures
}

// Collect gives the metrics of the calls that have been made.
func (c *Calls) Collect(metrics chan<- prometheus.Metric) {
	c.mu.RLock()
	calls := maps.Clone(c.calls)
	c.mu.RUnlock()
	ids := slices.SortedFunc(maps.Keys(calls), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, id := range ids {
		var latency distribution
		latency.add(&calls[id].latency)
		if latency.count == 0 {
			continue
		}
		metrics <- prometheus.MustNewConstHistogram(c.duration, latency.count, latency.sum.Seconds(), latency.cumulative(), id[:]...)
		metrics <- prometheus.MustNewConstMetric(c.failures, prometheus.CounterValue, float64(calls[id].failed.Load()), id[:]...)
	}
}
