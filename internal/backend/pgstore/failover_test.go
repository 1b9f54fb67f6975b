package pgstore

import (
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// TestFailover kills the primary under load and promotes its standby, which was
// a synchronous one: it has all that was acknowledged. The store, whose URL
// names both, finds the new primary by itself.
func TestFailover(t *testing.T) {
	t.Parallel()
	const standbyName = "second"
	primary := testenv.StartPostgres(t, testenv.PostgresOptions{
		Durable: true, Settings: map[string]string{"synchronous_standby_names": standbyName},
	})
	standby := testenv.StartStandby(t, primary, standbyName, testenv.PostgresOptions{Durable: true})
	hosts := "postgres://postgres@" + primary.Address + "," + standby.Address + "/postgres?sslmode=disable&target_session_attrs=read-write"
	f := open(t, func(o *Options) { o.URL = hosts })
	l := startLoad(f, 10*time.Second)
	l.AwaitAcknowledged(300)
	primary.Kill(t)
	l.AwaitRefused(1)
	standby.Promote(t)
	l.AwaitAcknowledged(300)
	l.Check()
	if err := f.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	t.Logf("%d commits looked up, %d of unknown outcome", f.tallies.lookedUp.Load(), f.tallies.unknown.Load())
}

// The feed tells by its incarnation that the server was started again, whatever it has
// done since.
func TestFeedTellsOfANewIncarnation(t *testing.T) {
	t.Parallel()
	server := testenv.StartPostgres(t, testenv.PostgresOptions{})
	s, err := Open(t.Context(), Options{URL: server.URL("postgres")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	incarnation := func() uint64 {
		timeout := time.After(20 * time.Second)
		for {
			feed, err := s.Changes(t.Context(), store.Changes{Table: "t", FromNow: true})
			if err == nil {
				return feed.Incarnation
			}
			select {
			case <-timeout:
				t.Fatal(err)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	before := incarnation()
	if again := incarnation(); before == 0 || again != before {
		t.Errorf("the incarnation is %d, and then %d", before, again)
	}
	server.Stop(t)
	server.Start(t)
	if after := incarnation(); after == before {
		t.Error("the server was started again, and the incarnation is the same")
	}
}
