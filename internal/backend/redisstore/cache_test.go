package redisstore

import (
	"context"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// recent reads entries from memory where it can, as a request over HTTP does that
// says nothing of caches.
type recent struct{ *Store }

func (r recent) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	return r.Store.Get(store.WithFreshness(ctx, store.Freshness{Recent: true}), refs)
}

// withCache is a harness for stores that keep entries in memory, and are read so.
func withCache(site func(testing.TB) testenv.RedisSite) storetest.Harness {
	h := harnessOn(site, func(o *Options) { o.CacheBytes = 16 << 20; o.CacheAge = 10 * time.Second })
	open, reopen, beside, advance := h.Open, h.Reopen, h.Beside, h.Advance
	h.Open = func(t testing.TB) store.Store { return recent{open(t).(*Store)} }
	h.Reopen = func(t testing.TB, s store.Store) store.Store { return recent{reopen(t, s.(recent).Store).(*Store)} }
	h.Beside = func(t testing.TB, s store.Store) store.Store { return recent{beside(t, s.(recent).Store).(*Store)} }
	h.Advance = func(s store.Store, d time.Duration) { advance(s.(recent).Store, d) }
	h.After = func(t testing.TB, s store.Store) { sound(t, s.(recent).Store) }
	return h
}

func TestStoreFromMemory(t *testing.T) { storetest.Run(t, withCache(testenv.Redis)) }

func TestRandomOperationsFromMemory(t *testing.T) {
	storetest.Differential(t, withCache(testenv.Redis), storetest.Random{Steps: 1_000, Runs: 3})
}

func TestLinearizableFromMemory(t *testing.T) {
	storetest.Linearizable(t, withCache(testenv.Redis), storetest.Random{Steps: 2_000, Runs: 3})
}
