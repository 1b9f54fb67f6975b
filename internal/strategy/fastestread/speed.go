package fastestread

import (
	"math"
	"sync/atomic"
	"time"
)

// speed is how long a member has taken of late. Of two answers at once one may be lost to
// it, which does not matter.
type speed struct {
	mean  atomic.Uint64 // float64, ns
	high  atomic.Uint64 // float64, ns, the 95th of 100
	until atomic.Int64  // when a member that has failed may be asked again, ns of Unix time
}

const (
	weight   = 1.0 / 32 // of an answer in the mean
	quantile = 0.95
	restFor  = time.Second
	soonest  = time.Millisecond // before which no answer is late
	unknown  = 50 * time.Millisecond
)

// took takes note of an answer. The quantile moves by small steps, up where an answer took
// longer and down where it did not, so that it rests where one in twenty does (Ma,
// Muthukrishnan and Sandler, Frugal Streaming for Estimating Quantiles, 2013).
func (s *speed) took(d time.Duration) {
	t, mean, high := float64(d), load(&s.mean), load(&s.high)
	if mean == 0 {
		store64(&s.mean, t)
		store64(&s.high, 2*t)
		return
	}
	store64(&s.mean, mean+weight*(t-mean))
	step := mean / 8
	if t > high {
		high += step * quantile
	} else {
		high -= step * (1 - quantile)
	}
	store64(&s.high, max(high, mean))
}

// failed has the member rest.
func (s *speed) failed() { s.until.Store(time.Now().Add(restFor).UnixNano()) }

func (s *speed) resting() bool {
	until := s.until.Load()
	return until != 0 && time.Now().UnixNano() < until
}

// rank is how long an answer takes; nothing where none is known, so that it is tried, and
// beyond all where it rests.
func (s *speed) rank() float64 {
	if s.resting() {
		return math.Inf(1)
	}
	return load(&s.mean)
}

// late is how long to wait for an answer before it is late.
func (s *speed) late() time.Duration {
	if load(&s.mean) == 0 {
		return unknown
	}
	return max(time.Duration(load(&s.high)), soonest)
}

func load(a *atomic.Uint64) float64       { return math.Float64frombits(a.Load()) }
func store64(a *atomic.Uint64, f float64) { a.Store(math.Float64bits(f)) }

// budget lets one in so many reads have a second.
type budget struct{ tokens atomic.Int64 }

const (
	perHedge   = 20
	mostTokens = 10 * perHedge // so that after a quiet while there are not too many at once
)

// read earns a part of a second.
func (b *budget) read() {
	if b.tokens.Load() < mostTokens {
		b.tokens.Add(1)
	}
}

// spend takes one, if it has been earned.
func (b *budget) spend() bool {
	for {
		n := b.tokens.Load()
		if n < perHedge {
			return false
		}
		if b.tokens.CompareAndSwap(n, n-perHedge) {
			return true
		}
	}
}
