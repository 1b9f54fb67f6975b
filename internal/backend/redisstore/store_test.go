package redisstore

import (
	"os"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

func TestStore(t *testing.T) { storetest.Run(t, harness()) }

// TestRandomOperations holds the store to the model: three seeds, and with
// LARDER_SOAK fifty long ones.
func TestRandomOperations(t *testing.T) {
	o := storetest.Random{Steps: 1_000, Runs: 3}
	if os.Getenv("LARDER_SOAK") != "" {
		o = storetest.Random{Steps: 20_000, Runs: 50}
	}
	storetest.Differential(t, harness(), o)
}

// TestLinearizable has the histories of many clients checked, as many.
func TestLinearizable(t *testing.T) {
	o := storetest.Random{Steps: 2_000, Runs: 3}
	if os.Getenv("LARDER_SOAK") != "" {
		o = storetest.Random{Steps: 10_000, Runs: 50}
	}
	storetest.Linearizable(t, harness(), o)
}

// harness opens stores under prefixes of their own on one server, each with a
// clock of its own.
func harness() storetest.Harness { return harnessOn(testenv.Redis) }

// harnessOn does so at sites that a function gives.
func harnessOn(site func(testing.TB) testenv.RedisSite, change ...func(*Options)) storetest.Harness {
	var clocks sync.Map // *Store → *storetest.Clock
	return storetest.Harness{
		Open: func(t testing.TB) store.Store {
			clock, at := storetest.NewClock(), site(t)
			o := Options{
				URL: at.URL, Prefix: at.Prefix,
				Now:          clock.Now,
				Retention:    store.Retention{Interval: time.Hour},
				ReplyTimeout: 10 * time.Second, // many tests share the processors
			}
			for _, f := range change {
				f(&o)
			}
			s, err := Open(t.Context(), o)
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
			again, err := Open(t.Context(), old.options)
			if err != nil {
				t.Fatalf("opening again: %v", err)
			}
			clock, _ := clocks.Load(old)
			clocks.Store(again, clock)
			return again
		},
		After: func(t testing.TB, s store.Store) { sound(t, s.(*Store)) },
		Beside: func(t testing.TB, s store.Store) store.Store {
			beside, err := Open(t.Context(), s.(*Store).options)
			if err != nil {
				t.Fatalf("opening a second one: %v", err)
			}
			clock, _ := clocks.Load(s)
			clocks.Store(beside, clock)
			return beside
		},
		Advance: func(s store.Store, d time.Duration) {
			clock, _ := clocks.Load(s)
			clock.(*storetest.Clock).Advance(d)
		},
	}
}
