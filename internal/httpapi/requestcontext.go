package httpapi

import (
	"context"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"larder/internal/store"
)

// requestContext is a request's context: it carries the route, and, once
// limited, ends at a time, as context.WithDeadline has it. It sets no timer
// before somebody waits for that. Most requests are answered from memory, and
// a timer and a second copy of the request would cost them more than the
// answer does.
type requestContext struct {
	context.Context
	route *chi.Context
	began time.Time
	trace *store.Trace // nil: nobody asked for timings

	mu     sync.Mutex
	at     time.Time       // zero: no end of its own
	timed  context.Context // nil: nobody waits
	cancel context.CancelFunc
	ended  bool
}

var _ context.Context = (*requestContext)(nil)

// limit ends a request's context so long after the request began. It is for the
// handler's own goroutine, before it passes the context on.
func limit(ctx context.Context, after time.Duration) {
	if c, ok := ctx.(*requestContext); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.at = c.began.Add(after)
	}
}

// Value finds the route, as chi asks for it, and the trace.
func (c *requestContext) Value(key any) any {
	if _, ok := key.(store.TraceKey); ok {
		return c.trace
	}
	if key == chi.RouteCtxKey {
		return c.route
	}
	return c.Context.Value(key)
}

// Deadline is the time it was limited to, or the parent's if that is sooner.
func (c *requestContext) Deadline() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.Context.Deadline()
	if c.at.IsZero() || ok && at.Before(c.at) {
		return at, ok
	}
	return c.at, true
}

// Done begins to watch the clock.
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watch().Done()
}

// Err says whether it has ended, watched or not.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil && !c.ended && (c.at.IsZero() || time.Now().Before(c.at)) {
		return c.Context.Err()
	}
	return c.watch().Err()
}

func (c *requestContext) watch() context.Context {
	if c.timed == nil {
		if c.at.IsZero() {
			c.timed, c.cancel = context.WithCancel(c.Context)
		} else {
			c.timed, c.cancel = context.WithDeadline(c.Context, c.at)
		}
		if c.ended {
			c.cancel()
		}
	}
	return c.timed
}

// release ends the context, and frees what watching has taken.
func (c *requestContext) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}
