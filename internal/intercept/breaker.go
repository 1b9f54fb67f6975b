package intercept

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"larder/internal/store"
)

// State is what a breaker lets through.
type State uint32

// The states.
const (
	Closed   State = iota // all
	HalfOpen              // a few calls, to see
	Open                  // nothing
)

// String is the state's name.
func (s State) String() string {
	switch s {
	case HalfOpen:
		return "half_open"
	case Open:
		return "open"
	default:
		return "closed"
	}
}

// BreakerOptions say when a breaker opens, and for how long.
type BreakerOptions struct {
	Backend  string        // named in errors
	Failures int           // how many in a row open it; 0: 5
	Window   time.Duration // how long it has to have been so; 0: 500 ms
	Delay    time.Duration // how long it stays open before it lets calls through again, to see; 0: 1 s
	Probes   int           // how many of those at once; 0: 1

	// Patience is how long a store has to be given before a call that ran out of time
	// counts as its failure: a caller's short deadline is none. 0: 1 s.
	Patience time.Duration

	// Changed is told of each change of state, in order, by the call that brought it
	// about, which waits for it. nil: nobody is.
	Changed func(from, to State)
}

// Breaker refuses calls while nothing gets through to a store, so that they fail at once,
// hold nothing up, and the store is left in peace.
//
// It opens after failures in a row, over some time, without one success: only that shows
// that nothing is to be had. It is not opened by a rate. A store that fails half of the
// calls, for being overloaded or for one of its nodes being down, does the other half, and
// that would be lost. Nor is it opened by one moment: a connection that breaks fails
// all calls that were gathered on it.
//
// A failure is Unavailable, Ambiguous and Internal, and Timeout where the store had
// enough time. Every other answer shows that the store is there.
type Breaker struct {
	options BreakerOptions
	state   atomic.Uint32
	failing atomic.Bool // there have been failures since the last success; closed only

	mu       sync.Mutex
	failures int       // in a row
	since    time.Time // the first of them
	opened   time.Time
	probing  int // calls let through to see
	era      int // changes of state; what belongs to an earlier one counts for nothing
}

// NewBreaker makes one for one store.
func NewBreaker(o BreakerOptions) *Breaker {
	o.Failures = cmp.Or(o.Failures, 5)
	o.Window = cmp.Or(o.Window, 500*time.Millisecond)
	o.Delay = cmp.Or(o.Delay, time.Second)
	o.Probes = cmp.Or(o.Probes, 1)
	o.Patience = cmp.Or(o.Patience, time.Second)
	return &Breaker{options: o}
}

// State is what the breaker lets through. One that is open stays so until a call comes
// after its delay.
func (b *Breaker) State() State { return State(b.state.Load()) }

const brokenRefusal refusal = "the breaker is open"

// Intercept is an Interceptor.
func (b *Breaker) Intercept(next Handler) Handler {
	return func(ctx context.Context, call Call, attempt Attempt) error {
		if call.Waits || call.Apart {
			return next(ctx, call, attempt)
		}
		began, probe, era := call.began(), false, 0
		if b.State() != Closed {
			var admitted bool
			if admitted, probe, era = b.admit(began); !admitted {
				return refuse(b.options.Backend, "the backend has not answered for a while, and is asked again in a moment; nothing was done", brokenRefusal)
			}
		}
		if probe {
			defer b.release(era)
		}
		err := next(ctx, call, attempt)
		b.judge(err, began, probe, era)
		return err
	}
}

// admit says whether a call may go through while the breaker is not closed, and whether
// it is one to see by.
func (b *Breaker) admit(now time.Time) (admitted, probe bool, era int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.State() {
	case Closed:
		return true, false, 0
	case Open:
		if now.Sub(b.opened) < b.options.Delay {
			return false, false, 0
		}
		b.enter(HalfOpen)
	case HalfOpen:
		if b.probing >= b.options.Probes {
			return false, false, 0
		}
	}
	b.probing++
	return true, true, b.era
}

// release makes room for another probe.
func (b *Breaker) release(era int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.era == era {
		b.probing--
	}
}

// judge takes in how a call ended.
func (b *Breaker) judge(err error, began time.Time, probe bool, era int) {
	verdict := b.verdictOn(err, began)
	if verdict == nothing || verdict == serves && !probe && !b.failing.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case probe && b.era != era:
	case probe && verdict == serves:
		b.enter(Closed)
	case probe:
		b.enter(Open)
	case b.State() != Closed: // it began before that
	case verdict == serves:
		b.failures = 0
		b.failing.Store(false)
	default:
		now := time.Now()
		if b.failures++; b.failures == 1 {
			b.since = now
			b.failing.Store(true)
		}
		if b.failures >= b.options.Failures && now.Sub(b.since) >= b.options.Window {
			b.enter(Open)
		}
	}
}

// enter changes the state. b.mu is held.
func (b *Breaker) enter(to State) {
	from := b.State()
	b.failures, b.probing = 0, 0
	b.era++
	b.failing.Store(false)
	if to == Open {
		b.opened = time.Now()
	}
	b.state.Store(uint32(to))
	if b.options.Changed != nil {
		b.options.Changed(from, to)
	}
}

// verdict is what the end of a call says about the store.
type verdict uint8

const (
	nothing verdict = iota
	serves
	fails
)

func (b *Breaker) verdictOn(err error, began time.Time) verdict {
	switch store.CodeOf(err) {
	case store.Unavailable:
		if isRefusal(err) {
			return nothing // the store was not asked
		}
		return fails
	case store.Ambiguous, store.Internal:
		return fails
	case store.Timeout:
		if time.Since(began) < b.options.Patience {
			return nothing
		}
		return fails
	case store.Canceled:
		return nothing
	default:
		return serves
	}
}
