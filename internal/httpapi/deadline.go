package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// deadline is a context that ends at a time, as context.WithDeadline has it,
// but sets no timer before somebody waits for its end. Most requests are
// answered from memory, and a timer for each would cost them more than the
// answer does.
type deadline struct {
	context.Context
	at time.Time

	mu     sync.Mutex
	timed  context.Context // nil: nobody waits
	cancel context.CancelFunc
	ended  bool
}

var _ context.Context = (*deadline)(nil)

// withDeadline gives the request until a time. release has to be called when
// the request has ended.
func withDeadline(r *http.Request, at time.Time) (limited *http.Request, release func()) {
	d := &deadline{Context: r.Context(), at: at}
	return r.WithContext(d), d.release
}

// Deadline is the time, or the parent's if that is sooner.
func (d *deadline) Deadline() (time.Time, bool) {
	if at, ok := d.Context.Deadline(); ok && at.Before(d.at) {
		return at, true
	}
	return d.at, true
}

// Done begins to watch the clock.
func (d *deadline) Done() <-chan struct{} {
	return d.watch().Done()
}

// Err says whether the time has come, watched or not.
func (d *deadline) Err() error {
	d.mu.Lock()
	timed, ended := d.timed, d.ended
	d.mu.Unlock()
	switch {
	case timed != nil:
		return timed.Err()
	case ended:
		return context.Canceled
	case d.Context.Err() != nil:
		return d.Context.Err()
	case !time.Now().Before(d.at):
		return d.watch().Err()
	}
	return nil
}

func (d *deadline) watch() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timed == nil {
		d.timed, d.cancel = context.WithDeadline(d.Context, d.at)
		if d.ended {
			d.cancel()
		}
	}
	return d.timed
}

// release ends the context, and frees what watching has taken.
func (d *deadline) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.cancel != nil {
		d.cancel()
	}
}
