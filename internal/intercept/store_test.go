package intercept_test

import (
	"os"
	"sync"
	"testing"
	"time"

	"larder/internal/intercept"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// chain is one of everything.
func chain() []intercept.Interceptor {
	return []intercept.Interceptor{
		intercept.Metrics(func(intercept.Operation) intercept.Observer { return &counted{} }),
		intercept.NewRetry(intercept.RetryOptions{}).Intercept,
		intercept.Trace("pg"),
		intercept.NewBreaker(intercept.BreakerOptions{}).Intercept,
		intercept.NewLimit(intercept.LimitOptions{}).Intercept,
		intercept.NewBulkhead(intercept.BulkheadOptions{}).Intercept,
		intercept.Timeout(time.Minute),
	}
}

func TestStore(t *testing.T) { storetest.Run(t, harness()) }

// TestRandomOperations holds a store behind everything to one with nothing before it.
func TestRandomOperations(t *testing.T) {
	o := storetest.Random{Steps: 1_000, Runs: 3}
	if os.Getenv("LARDER_SOAK") != "" {
		o = storetest.Random{Steps: 100_000, Runs: 50}
	}
	storetest.Differential(t, harness(), o)
}

// harness is the model's, with everything before it.
func harness() storetest.Harness {
	return harnessOf(func(s store.Store) store.Store { return intercept.Wrap(s, chain()...) })
}

// harnessOf is the model's, with something before it.
func harnessOf(before func(store.Store) store.Store) storetest.Harness {
	h := storetest.ModelHarness()
	var inner sync.Map // by what is before it
	wrap := func(s store.Store) store.Store {
		w := before(s)
		inner.Store(w, s)
		return w
	}
	within := func(w store.Store) store.Store {
		s, _ := inner.Load(w)
		return s.(store.Store)
	}
	open, beside, advance := h.Open, h.Beside, h.Advance
	h.Open = func(t testing.TB) store.Store { return wrap(open(t)) }
	h.Beside = func(t testing.TB, w store.Store) store.Store { return wrap(beside(t, within(w))) }
	h.Advance = func(w store.Store, d time.Duration) { advance(within(w), d) }
	return h
}
