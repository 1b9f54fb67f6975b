package gateway

import (
	"context"
	"testing"
	"time"

	"larder/internal/backend/redisstore"
	"larder/internal/store"
	"larder/internal/testenv"
)

// A RedisSetup is one of the ways in which entries can be kept in Redis.
type RedisSetup struct {
	Site   func(testing.TB) testenv.RedisSite // where; testenv.Redis
	Shards int                                // redisstore.Options.Shards
	Memory bool                               // keep what is read in memory too
}

// OpenRedis opens a store under a prefix of its own, for a test to serve and to
// close. Its clock is the test's.
func OpenRedis(t testing.TB, now func() time.Time, setup RedisSetup) store.Store {
	t.Helper()
	if setup.Site == nil {
		setup.Site = testenv.Redis
	}
	at := setup.Site(t)
	o := redisstore.Options{
		URL: at.URL, Prefix: at.Prefix, Shards: setup.Shards, Now: now,
		ReplyTimeout: 10 * time.Second, // many tests share the processors
	}
	if setup.Memory {
		o.CacheBytes, o.CacheAge = 16<<20, time.Minute
	}
	s, err := redisstore.Open(context.WithoutCancel(t.Context()), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
