package boltstore

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) { storetest.Run(t, harness()) }

// TestRandomOperations holds the store to the model: five seeds, and with
// LARDER_SOAK fifty long ones.
func TestRandomOperations(t *testing.T) {
	o := storetest.Random{Steps: 2_000, Runs: 5}
	if os.Getenv("LARDER_SOAK") != "" {
		o = storetest.Random{Steps: 100_000, Runs: 50}
	}
	storetest.Differential(t, harness(), o)
}

// TestLinearizable has the histories of many clients checked, as many.
func TestLinearizable(t *testing.T) {
	o := storetest.Random{Steps: 2_000, Runs: 5}
	if os.Getenv("LARDER_SOAK") != "" {
		o = storetest.Random{Steps: 10_000, Runs: 50}
	}
	storetest.Linearizable(t, harness(), o)
}

// harness opens stores on files of their own, each with a clock of its own.
func harness() storetest.Harness {
	var clocks sync.Map // *Store → *testClock
	return storetest.Harness{
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
	}
}
