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
