package telemetry

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Op counts the requests of one operation. All methods may be called from many
// goroutines at once; none of them locks, but for the first request that is
// answered with a code.
type Op struct {
	name     string
	bytesIn  atomic.Int64
	bytesOut atomic.Int64
	opened   atomic.Int64 // streams
	closed   atomic.Int64
	latency  histogram

	adding sync.Mutex
	codes  atomic.Pointer[[]*codeCount] // few, the first seen first; replaced, never changed
}

type codeCount struct {
	code int
	n    atomic.Uint64
}

// Observe counts a request as answered: its status, how long it took, and the
// bytes of the bodies. A stream took until its head was sent.
func (o *Op) Observe(status int, took time.Duration, in, out int64) {
	o.count(status).n.Add(1)
	o.latency.observe(took)
	if in > 0 {
		o.bytesIn.Add(in)
	}
	if out > 0 {
		o.bytesOut.Add(out)
	}
}

// StreamOpened counts a stream as open, until StreamClosed.
func (o *Op) StreamOpened() { o.opened.Add(1) }

// StreamClosed counts a stream as ended.
func (o *Op) StreamClosed() { o.closed.Add(1) }

func (o *Op) count(code int) *codeCount {
	if seen := o.codes.Load(); seen != nil {
		for _, c := range *seen {
			if c.code == code {
				return c
			}
		}
	}
	return o.addCode(code)
}

func (o *Op) addCode(code int) *codeCount {
	o.adding.Lock()
	defer o.adding.Unlock()
	seen := o.counts()
	if i := slices.IndexFunc(seen, func(c *codeCount) bool { return c.code == code }); i >= 0 {
		return seen[i]
	}
	c := &codeCount{code: code}
	more := append(slices.Clip(seen), c)
	o.codes.Store(&more)
	return c
}

func (o *Op) counts() []*codeCount {
	if seen := o.codes.Load(); seen != nil {
		return *seen
	}
	return nil
}

// openStreams reads the end first, so that it never comes out below zero.
func (o *Op) openStreams() int64 {
	closed := o.closed.Load()
	return o.opened.Load() - closed
}
