package intercept_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/intercept"
	"larder/internal/store"
)

// counted is an observer.
type counted struct {
	mu            sync.Mutex
	calls, failed int
	took          time.Duration
}

func (c *counted) Observe(took time.Duration, failure string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.took += took
	if failure != "" {
		c.failed++
	}
}

func TestMetricsCountCallsAndWhoseFaultTheyAre(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		observers := make(map[intercept.Operation]*counted)
		inner := &scripted{}
		w := intercept.Wrap(inner, intercept.Metrics(func(o intercept.Operation) intercept.Observer {
			observers[o] = &counted{}
			return observers[o]
		}))
		for _, code := range []store.Code{"", store.VersionMismatch, store.Unavailable, store.Canceled, store.Internal} {
			inner.answer = func(ctx context.Context, n int64) error {
				<-time.After(time.Second)
				return always(code)(ctx, n)
			}
			if err := put(t.Context(), w); store.CodeOf(err) != code {
				t.Errorf("got %v, want %q", err, code)
			}
		}
		if got := observers[intercept.Apply]; got.calls != 5 || got.failed != 2 || got.took != 5*time.Second {
			t.Errorf("got %+v", got)
		}
		inner.answer = always("")
		for _, wait := range []time.Duration{0, time.Second} {
			if _, err := w.Changes(t.Context(), store.Changes{Wait: wait}); err != nil {
				t.Error(err)
			}
		}
		if got := observers[intercept.Changes]; got.calls != 1 {
			t.Errorf("one waits and one does not, and %d are counted", got.calls)
		}
		if got := observers[intercept.Get]; got.calls != 0 {
			t.Errorf("nothing was got, and %d are counted", got.calls)
		}
	})
}
