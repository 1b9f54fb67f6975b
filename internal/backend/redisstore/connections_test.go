package redisstore

import (
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// TestConnections compares what a store tells of its connections with what the server knows
// of them: while it is used, while the server answers nothing, and once it is closed.
func TestConnections(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openWith(t, Options{URL: server.URL, ReplyTimeout: 30 * time.Second})
	f.apply(put("k", `1`))
	ours := func() int64 {
		return int64(strings.Count(server.Do(t, "CLIENT", "LIST").(string), " name=larder "))
	}
	c := &f.Store.connections
	poll(t, "as many connections as the server knows of", func() bool { return c.open.Load() == ours() && c.inUse.Load() == 0 })
	if _, figures := inspect(t, f.Store); figures["connections_open"] < 1 || figures["connections_opened_total"] < figures["connections_open"] || figures["connections_in_use"] > figures["connections_open"] {
		t.Errorf("it tells of %v open, of %v opened, and of %v in use", figures["connections_open"], figures["connections_opened_total"], figures["connections_in_use"])
	}

	server.Pause(t)
	read := make(chan error, 1)
	go func() {
		_, err := f.Get(t.Context(), []store.Ref{{Table: "t", Key: "k"}})
		read <- err
	}()
	poll(t, "the connection of a read to be in use", func() bool { return c.inUse.Load() > 0 })
	server.Resume(t)
	if err := <-read; err != nil {
		t.Error(err)
	}
	poll(t, "none to be in use", func() bool { return c.inUse.Load() == 0 })
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	poll(t, "all to be closed", func() bool { return c.open.Load() == 0 && ours() == 0 })
	if n := c.inUse.Load(); n != 0 {
		t.Errorf("%d are in use of none", n)
	}
}
