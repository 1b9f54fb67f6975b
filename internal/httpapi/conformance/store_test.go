// Package conformance_test holds the handlers to the contract, over real HTTP:
// the suite that every store passes, and what only HTTP knows. Every exchange
// is validated against openapi.yaml.
package conformance_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
	"larder/internal/testenv/httpstore"
)

func TestModelOverHTTP(t *testing.T) {
	open := func(_ testing.TB, clock *storetest.Clock) store.Store {
		return storetest.NewModel(storetest.ModelOptions{Clock: clock.Now})
	}
	h := overHTTP(open)
	h.Without = append(h.Without, storetest.IndexPlans)
	storetest.Run(t, h)
}

// TestSlotsOverHTTP serves a store that keeps its keys apart, and asks it for
// what that makes a difference to.
func TestSlotsOverHTTP(t *testing.T) {
	h := overHTTP(func(_ testing.TB, clock *storetest.Clock) store.Store {
		return &storetest.Slotted{Model: storetest.NewModel(storetest.ModelOptions{Clock: clock.Now})}
	})
	h.Without = append(h.Without, storetest.IndexPlans, storetest.Together, storetest.UniqueIndexes)
	storetest.Differential(t, h, storetest.Random{})
	h.Without = append(h.Without, storetest.Values, storetest.Preconditions, storetest.Patches, storetest.Counters, storetest.Queries)
	storetest.Run(t, h)
}

func TestBoltOverHTTP(t *testing.T) {
	storetest.Run(t, overHTTP(openBolt))
}

func TestPostgresOverHTTP(t *testing.T) {
	storetest.Run(t, overHTTP(openPostgres))
}

// engines are what is opened for a test that is the same for all.
func engines() map[string]opener {
	return map[string]opener{
		"bolt": openBolt, "postgres": openPostgres,
		"redis": openRedis(gateway.RedisSetup{}), "redis from memory": openRedis(gateway.RedisSetup{Memory: true}),
	}
}

// TestRandomOperationsOverHTTP compares with the model, which is asked directly.
func TestRandomOperationsOverHTTP(t *testing.T) {
	for engine, open := range engines() {
		t.Run(engine, func(t *testing.T) {
			storetest.Differential(t, overHTTP(open), storetest.Random{})
		})
	}
}

func TestLinearizableOverHTTP(t *testing.T) {
	for engine, open := range engines() {
		t.Run(engine, func(t *testing.T) {
			storetest.Linearizable(t, overHTTP(open), storetest.Random{})
		})
	}
}

// opener opens a new and empty store, whose clock is the test's.
type opener func(t testing.TB, clock *storetest.Clock) store.Store

func openBolt(t testing.TB, clock *storetest.Clock) store.Store {
	t.Helper()
	return gateway.OpenBolt(t, clock.Now)
}

func openPostgres(t testing.TB, clock *storetest.Clock) store.Store {
	t.Helper()
	return gateway.OpenPostgres(t, clock.Now)
}

func openRedis(setup gateway.RedisSetup) opener {
	return func(t testing.TB, clock *storetest.Clock) store.Store {
		t.Helper()
		return gateway.OpenRedis(t, clock.Now, setup)
	}
}

// overHTTP is a harness for what open gives, served and spoken to over HTTP.
func overHTTP(open opener) storetest.Harness {
	var clocks sync.Map // of every store
	return storetest.Harness{
		Without: httpstore.Without(),
		Open: func(t testing.TB) store.Store {
			clock := storetest.NewClock()
			s := remote(t, open(t, clock), clock.Now)
			clocks.Store(s, clock)
			return s
		},
		Advance: func(s store.Store, d time.Duration) {
			if clock, known := clocks.Load(s); known {
				clock.(*storetest.Clock).Advance(d)
			}
		},
	}
}

// remote serves a store and gives one that speaks to it. Closing that closes
// all of it.
func remote(t testing.TB, s store.Store, clock func() time.Time) store.Store {
	t.Helper()
	g := gateway.Start(t, s, gateway.Options{})
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	o := httpstore.Options{
		URL: g.URL, HTTP: &http.Client{Transport: httpstore.Validating(t, transport)}, Clock: clock,
		Close: func() error {
			transport.CloseIdleConnections()
			if err := g.Close(); err != nil {
				return err
			}
			return s.Close()
		},
	}
	if maintainer, ok := store.As[store.Maintainer](s); ok {
		o.Maintains = maintainer.Maintains
	}
	spoken, err := httpstore.Open(context.WithoutCancel(t.Context()), o)
	if err != nil {
		t.Fatal(err)
	}
	return spoken
}
