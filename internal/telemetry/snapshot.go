package telemetry

import (
	"maps"
	"slices"
	"time"
)

// Snapshot is what has been counted since the start.
type Snapshot struct {
	InFlight    int64
	OpenStreams int64
	All         Figures            // of all operations together
	Operations  map[string]Figures // those that were asked for at least once
}

// Names lists the operations in order.
func (s Snapshot) Names() []string { return slices.Sorted(maps.Keys(s.Operations)) }

// Figures are those of one operation, or of all.
type Figures struct {
	Requests   uint64 // answered
	Successful uint64 // with a status below 400
	Refused    uint64 // 400 to 499: the caller's fault, or not found
	Failed     uint64 // 500 and above
	BytesIn    int64  // of the requests' bodies
	BytesOut   int64  // of the answers' bodies

	// How long the requests took. The quantiles are estimates, see
	// [Requests.Snapshot].
	Mean, Peak, P50, P99 time.Duration
}

// Snapshot adds up what has been counted. Counting goes on meanwhile, so the
// figures may differ from each other by the requests of that moment. Quantiles
// are off by a third of their value at the most, mostly by far less.
func (r *Requests) Snapshot() Snapshot {
	s := Snapshot{InFlight: r.inFlight.Load(), Operations: make(map[string]Figures)}
	var overall distribution
	for _, op := range r.operations() {
		s.OpenStreams += op.openStreams()
		var latency distribution
		latency.add(&op.latency)
		if latency.count == 0 {
			continue
		}
		overall.add(&op.latency)
		f := Figures{BytesIn: op.bytesIn.Load(), BytesOut: op.bytesOut.Load()}
		for _, c := range op.counts() {
			f.addAnswers(c.code, c.n.Load())
		}
		s.All.addCounts(f)
		f.setLatency(&latency)
		s.Operations[op.name] = f
	}
	s.All.setLatency(&overall)
	return s
}

func (f *Figures) addAnswers(code int, n uint64) {
	f.Requests += n
	switch {
	case code < 400:
		f.Successful += n
	case code < 500:
		f.Refused += n
	default:
		f.Failed += n
	}
}

func (f *Figures) addCounts(o Figures) {
	f.Requests += o.Requests
	f.Successful += o.Successful
	f.Refused += o.Refused
	f.Failed += o.Failed
	f.BytesIn += o.BytesIn
	f.BytesOut += o.BytesOut
}

func (f *Figures) setLatency(d *distribution) {
	f.Mean, f.Peak = d.mean(), d.longest
	f.P50, f.P99 = d.quantile(0.5), d.quantile(0.99)
}
