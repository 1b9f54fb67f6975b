package boltstore

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testClock is a clock that stands still until it is advanced.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func newTestClock() *testClock {
	return &testClock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is a store in a file of its own, and its clock.
type fixture struct {
	*Store
	clock *testClock
	t     testing.TB
}

// open opens a store that reaps only when asked to. At the test's end it is
// checked, unless it has been closed.
func open(t testing.TB, change ...func(o *Options)) *fixture {
	t.Helper()
	clock := newTestClock()
	o := Options{
		Path:      filepath.Join(t.TempDir(), "larder.db"),
		NoSync:    true,
		Now:       clock.Now,
		Retention: store.Retention{Interval: time.Hour},
	}
	for _, f := range change {
		f(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	f := &fixture{Store: s, clock: clock, t: t}
	t.Cleanup(f.close)
	return f
}

// close checks and closes the store.
func (f *fixture) close() {
	f.t.Helper()
	if f.isClosed() {
		return
	}
	if err := f.Check(context.WithoutCancel(f.t.Context())); err != nil {
		f.t.Errorf("Check: %v", err)
	}
	if err := f.Close(); err != nil {
		f.t.Errorf("Close: %v", err)
	}
}

// reopen closes the store and opens its file again.
func (f *fixture) reopen() {
	f.t.Helper()
	f.close()
	s, err := Open(f.options)
	if err != nil {
		f.t.Fatalf("opening again: %v", err)
	}
	f.Store = s
}

func TestStore(t *testing.T) {
	var clocks sync.Map // *Store → *testClock
	storetest.Run(t, storetest.Harness{
		Open: func(t testing.TB) store.Store {
			clock := newTestClock()
			s, err := Open(Options{
				Path:      filepath.Join(t.TempDir(), "larder.db"),
				NoSync:    true,
				Now:       clock.Now,
				Retention: store.Retention{Interval: time.Hour},
			})
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			clocks.Store(s, clock)
			return s
		},
		Reopen: func(t testing.TB, s store.Store) store.Store {
			old := s.(*Store)
			if err := old.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			again, err := Open(old.options)
			if err != nil {
				t.Fatalf("opening again: %v", err)
			}
			clock, _ := clocks.Load(old)
			clocks.Store(again, clock)
			return again
		},
		Advance: func(s store.Store, d time.Duration) {
			clock, _ := clocks.Load(s)
			clock.(*testClock).Advance(d)
		},
		After: func(t testing.TB, s store.Store) {
			if err := s.(*Store).Check(context.WithoutCancel(t.Context())); err != nil {
				t.Errorf("Check: %v", err)
			}
		},
	})
}
