package combinations_test

import (
	"testing"
	"time"

	"larder/internal/backend/boltstore"
	"larder/internal/backend/pgstore"
	"larder/internal/backend/redisstore"
	"larder/internal/store"
	"larder/internal/testenv"
)

// engine opens new and empty members, whose clock is the test's.
type engine struct {
	name string
	open func(t testing.TB, now func() time.Time) (store.Store, error)
}

// retention keeps the reaper out of the way of clocks that are moved.
func retention() store.Retention { return store.Retention{Interval: time.Hour} }

// engines are all that there are.
func engines() []engine {
	return []engine{
		{"bolt", func(t testing.TB, now func() time.Time) (store.Store, error) {
			t.Helper()
			return boltstore.Open(boltstore.Options{Path: t.TempDir() + "/larder.db", NoSync: true, Now: now, Retention: retention()})
		}},
		{"postgres", func(t testing.TB, now func() time.Time) (store.Store, error) {
			t.Helper()
			return pgstore.Open(t.Context(), pgstore.Options{
				URL: testenv.Postgres(t), Now: now, Retention: retention(), MaxConnections: 6, AcquireTimeout: time.Minute,
			})
		}},
		{"redis", func(t testing.TB, now func() time.Time) (store.Store, error) {
			t.Helper()
			site := testenv.Redis(t)
			return redisstore.Open(t.Context(), redisstore.Options{
				URL: site.URL, Prefix: site.Prefix, Now: now, Retention: retention(), ReplyTimeout: 10 * time.Second,
			})
		}},
	}
}
