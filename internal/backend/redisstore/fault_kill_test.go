package redisstore

import (
	"testing"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// TestServerKilled kills the server with SIGKILL under load, starts it again, and goes
// on, several times. The store finds its way back by itself, and nothing that was
// acknowledged is lost.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	server := durable(t)
	f := openOn(t, server.URL)
	l := startLoad(f, faultload.Options{})
	for range rounds(3) {
		l.AwaitAcknowledged(300)
		server.Kill(t)
		l.AwaitRefused(1)
		server.Start(t)
	}
	l.AwaitAcknowledged(300)
	checkLoad(f, l)
}

// TestServerStopped restarts the server as an operator does.
func TestServerStopped(t *testing.T) {
	t.Parallel()
	server := durable(t)
	f := openOn(t, server.URL)
	l := startLoad(f, faultload.Options{})
	l.AwaitAcknowledged(300)
	server.Stop(t)
	l.AwaitRefused(1)
	fails(t, "Ping", f.Ping(t.Context()), store.Unavailable)
	server.Start(t)
	l.AwaitAcknowledged(300)
	checkLoad(f, l)
}

// TestServerKilledWithShards has the feed be of several shards, which lose the server
// all at once.
func TestServerKilledWithShards(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{AppendOnly: true})
	f := openOn(t, server.URL, func(o *Options) { o.Shards = 5 })
	l := startLoad(f, faultload.Options{Groups: []string{"a", "b", "c", "d", "e", "f"}})
	for range rounds(2) {
		l.AwaitAcknowledged(200)
		server.Kill(t)
		l.AwaitRefused(1)
		server.Start(t)
	}
	l.AwaitAcknowledged(200)
	checkLoad(f, l)
}
