package pgstore

import (
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// freshPostgres starts a server that a test can kill, and gives the URL of a
// database in it, for Open to migrate.
func freshPostgres(t *testing.T, o testenv.PostgresOptions) (*testenv.PostgresServer, string) {
	t.Helper()
	server := testenv.StartPostgres(t, o)
	return server, server.URL("postgres")
}

// TestServerKilled kills the server with SIGKILL under load, starts it again, and
// goes on, three times. The store finds its way back by itself.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	server, url := freshPostgres(t, testenv.PostgresOptions{Durable: true})
	f := open(t, func(o *Options) { o.URL = url })
	l := startLoad(f, 10*time.Second)
	for range 3 {
		l.AwaitAcknowledged(300)
		server.Kill(t)
		l.AwaitRefused(1)
		server.Start(t)
	}
	l.AwaitAcknowledged(300)
	l.Check()
	tallies := &f.tallies
	t.Logf("%d commits looked up, %d of unknown outcome, %d transactions repeated", tallies.lookedUp.Load(), tallies.unknown.Load(), tallies.repeated.Load())
}

// TestServerStopped restarts the server as an operator does. Whatever it had not
// committed is done again or refused, and nothing is of unknown outcome for long.
func TestServerStopped(t *testing.T) {
	t.Parallel()
	server, url := freshPostgres(t, testenv.PostgresOptions{Durable: true})
	f := open(t, func(o *Options) { o.URL = url })
	l := startLoad(f, 10*time.Second)
	l.AwaitAcknowledged(300)
	server.Stop(t)
	l.AwaitRefused(1)
	fails(t, "Ping", f.Ping(t.Context()), store.Unavailable)
	server.Start(t)
	l.AwaitAcknowledged(300)
	l.Check()
}
