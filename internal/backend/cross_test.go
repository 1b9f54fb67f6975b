package backend_test

import (
	"sync"
	"testing"
	"time"

	"larder/internal/backend/boltstore"
	"larder/internal/backend/pgstore"
	"larder/internal/backend/redisstore"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// TestSameAnswers does the same random operations on every two engines, and compares
// every answer and every byte.
func TestSameAnswers(t *testing.T) {
	for _, test := range []struct {
		name          string
		first, second storetest.Harness
	}{
		{"bolt and postgres", boltHarness(), postgresHarness()},
		{"bolt and redis", boltHarness(), redisHarness()},
		{"postgres and redis", postgresHarness(), redisHarness()},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Cross(t, test.first, test.second, storetest.Random{Steps: 1_000})
		})
	}
}

func boltHarness() storetest.Harness {
	return harnessOf(func(t testing.TB, clock *storetest.Clock) (store.Store, error) {
		return boltstore.Open(boltstore.Options{
			Path: t.TempDir() + "/larder.db", NoSync: true, Now: clock.Now, Retention: store.Retention{Interval: time.Hour},
		})
	})
}

func postgresHarness() storetest.Harness {
	return harnessOf(func(t testing.TB, clock *storetest.Clock) (store.Store, error) {
		return pgstore.Open(t.Context(), pgstore.Options{
			URL: testenv.Postgres(t), Now: clock.Now, Retention: store.Retention{Interval: time.Hour}, AcquireTimeout: time.Minute,
		})
	})
}

func redisHarness() storetest.Harness {
	return harnessOf(func(t testing.TB, clock *storetest.Clock) (store.Store, error) {
		site := testenv.Redis(t)
		return redisstore.Open(t.Context(), redisstore.Options{
			URL: site.URL, Prefix: site.Prefix, Now: clock.Now, Retention: store.Retention{Interval: time.Hour}, ReplyTimeout: 10 * time.Second,
		})
	})
}

// harnessOf is a harness for stores that open gives, each with its own clock.
func harnessOf(open func(testing.TB, *storetest.Clock) (store.Store, error)) storetest.Harness {
	var clocks sync.Map // of every store
	return storetest.Harness{
		Open: func(t testing.TB) store.Store {
			clock := storetest.NewClock()
			s, err := open(t, clock)
			if err != nil {
				t.Fatal(err)
			}
			clocks.Store(s, clock)
			return s
		},
		Advance: func(s store.Store, d time.Duration) {
			clock, _ := clocks.Load(s)
			clock.(*storetest.Clock).Advance(d)
		},
	}
}
