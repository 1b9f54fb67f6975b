package telemetry

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Calls counts the calls to things of a kind, for Prometheus and for /stats. It tells of
// a thing for as long as somebody uses it.
type Calls struct {
	mu    sync.RWMutex
	calls map[[2]string]*Call // by thing and name
	users map[string]int      // by thing

	duration, failures *prometheus.Desc
}

var _ prometheus.Collector = (*Calls)(nil)

// Callee is a thing that is used.
type Callee struct {
	calls   *Calls
	name    string
	release sync.Once
}

// Call counts one kind of call to one thing.
type Call struct {
	latency histogram

	mu     sync.Mutex
	failed map[string]uint64 // by code; few, and few are made
}

// Observe counts a call: how long it took, and the code of the error where it failed by the
// fault of what was called.
func (c *Call) Observe(took time.Duration, failure string) {
	c.latency.observe(took)
	if failure != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.failed == nil {
			c.failed = make(map[string]uint64)
		}
		c.failed[failure]++
	}
}

func (c *Call) failures() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.failed)
}

// NewCalls makes a counter of calls to things of a kind, "backend" or "strategy", to be
// registered by the caller.
func NewCalls(kind string) *Calls {
	return &Calls{
		calls: make(map[[2]string]*Call), users: make(map[string]int),
		duration: prometheus.NewDesc("larder_"+kind+"_call_duration_seconds",
			"Time that calls to the "+kind+" took.", []string{kind, "call"}, nil),
		failures: prometheus.NewDesc("larder_"+kind+"_call_failures_total",
			"Calls that failed by the fault of the "+kind+", by code.", []string{kind, "call", "code"}, nil),
	}
}

// Use has the calls to a thing be told of until Release. Where several use a thing of one
// name, as the next one does before the last has gone, their calls are counted together.
func (c *Calls) Use(name string) *Callee {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users[name]++
	return &Callee{calls: c, name: name}
}

// Call gives the counter of a kind of call, always the same one for a name. To be asked for
// once, not for each call, and before Release.
func (u *Callee) Call(name string) *Call {
	c := u.calls
	c.mu.Lock()
	defer c.mu.Unlock()
	id := [2]string{u.name, name}
	if c.calls[id] == nil {
		c.calls[id] = &Call{}
	}
	return c.calls[id]
}

// Release ends the use. With the last one of a thing goes all that was counted of it. It
// may be called again.
func (u *Callee) Release() {
	u.release.Do(func() {
		c := u.calls
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.users[u.name]--; c.users[u.name] > 0 {
			return
		}
		delete(c.users, u.name)
		maps.DeleteFunc(c.calls, func(id [2]string, _ *Call) bool { return id[0] == u.name })
	})
}

// Tally are the calls to one thing.
type Tally struct {
	Figures                    // of all of them. Refused is always 0: what is the caller's fault counts as answered
	Calls    []CallTally       // those that were made, by name
	Failures map[string]uint64 // by code
}

// CallTally are the calls of one name.
type CallTally struct {
	Name string
	Figures
}

// Of adds up the calls to a thing.
func (c *Calls) Of(name string) Tally {
	told := Tally{Failures: make(map[string]uint64)}
	var all distribution
	for _, one := range c.list() {
		id, call := one.id, one.call
		if id[0] != name {
			continue
		}
		var latency distribution
		latency.add(&call.latency)
		if latency.count == 0 {
			continue
		}
		all.add(&call.latency)
		var f Figures
		for code, n := range call.failures() {
			told.Failures[code] += n
			f.Failed += n
		}
		f.setLatency(&latency)
		f.Requests = max(latency.count, f.Failed)
		f.Successful = f.Requests - f.Failed
		told.addCounts(f)
		told.Calls = append(told.Calls, CallTally{Name: id[1], Figures: f})
	}
	told.setLatency(&all)
	return told
}

// counted is a kind of call to a thing.
type counted struct {
	id   [2]string
	call *Call
}

// list gives all calls, in order.
func (c *Calls) list() []counted {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := make([]counted, 0, len(c.calls))
	for id, call := range c.calls {
		all = append(all, counted{id, call})
	}
	slices.SortFunc(all, func(a, b counted) int { return slices.Compare(a.id[:], b.id[:]) })
	return all
}

// Describe says which metrics there are.
func (c *Calls) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.duration
	descs <- c.failures
}

// Collect gives the metrics of the calls that have been made.
func (c *Calls) Collect(metrics chan<- prometheus.Metric) {
	for _, one := range c.list() {
		id, call := one.id, one.call
		var latency distribution
		latency.add(&call.latency)
		if latency.count == 0 {
			continue
		}
		metrics <- prometheus.MustNewConstHistogram(c.duration, latency.count, latency.sum.Seconds(), latency.cumulative(), id[:]...)
		failures := call.failures()
		for _, code := range slices.Sorted(maps.Keys(failures)) {
			metrics <- prometheus.MustNewConstMetric(c.failures, prometheus.CounterValue, float64(failures[code]), id[0], id[1], code)
		}
	}
}
