package cacheaside

import (
	"sync/atomic"
	"time"

	"larder/internal/store"
)

// gate keeps calls away from a cache that fails. After some failures in a row it is
// closed for a while; then one call tries whether the cache serves again.
type gate struct {
	failures atomic.Int32
	until    atomic.Int64 // closed until then, ns since gateEpoch; 0: open
}

// gateEpoch is where the gates' times begin, so that they are monotonic.
var gateEpoch = time.Now() //nolint:gochecknoglobals // a point in time

const (
	gateFailures = 3
	gateRest     = 250 * time.Millisecond
)

// enter says whether to call. Whoever does has to leave.
func (g *gate) enter() bool {
	until := g.until.Load()
	if until == 0 {
		return true
	}
	now := int64(time.Since(gateEpoch))
	// Who comes first after the rest tries; for the others it goes on meanwhile.
	return now >= until && g.until.CompareAndSwap(until, now+int64(gateRest))
}

// leave takes note of how the call ended; closed says that this has closed the gate.
func (g *gate) leave(err error) (closed bool) {
	switch code := store.CodeOf(err); {
	case err == nil:
		if g.failures.Load() != 0 {
			g.failures.Store(0)
			g.until.Store(0)
		}
		return false
	case code == store.Canceled:
		return false // the caller went away
	}
	n := g.failures.Add(1)
	if n >= gateFailures {
		g.until.Store(int64(time.Since(gateEpoch) + gateRest))
	}
	return n == gateFailures
}

// open says whether calls are let through.
func (g *gate) open() bool { return g.until.Load() == 0 }
