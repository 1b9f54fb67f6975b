package pgstore

import (
	"testing"
	"time"

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
