package redisstore

import (
	"net"
	"sync"
	"sync/atomic"

	"larder/internal/store"
)

// connections counts those of this process to the servers, sentinels included.
type connections struct{ open, inUse, opened atomic.Int64 }

// watched is a connection that is counted: as open until it is closed, and as in use from
// when something is sent on it until something comes back.
type watched struct {
	net.Conn
	of      *connections
	waiting atomic.Bool
	closed  sync.Once
}

// watch counts a connection that has been made.
func (c *connections) watch(conn net.Conn) net.Conn {
	c.open.Add(1)
	c.opened.Add(1)
	return &watched{Conn: conn, of: c}
}

func (w *watched) Write(b []byte) (int, error) {
	if w.waiting.CompareAndSwap(false, true) {
		w.of.inUse.Add(1)
	}
	n, err := w.Conn.Write(b)
	if err != nil {
		w.rest()
	}
	return n, err
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.rest()
	return n, err
}

// Close closes first, so that no write after it counts.
func (w *watched) Close() error {
	err := w.Conn.Close()
	w.rest()
	w.closed.Do(func() { w.of.open.Add(-1) })
	return err
}

func (w *watched) rest() {
	if w.waiting.CompareAndSwap(true, false) {
		w.of.inUse.Add(-1)
	}
}

func (c *connections) figures() []store.Figure {
	return []store.Figure{
		{Name: "connections_open", Help: "Connections that this larder has open, those to sentinels included.", Value: float64(c.open.Load())},
		{Name: "connections_in_use", Help: "Those on which something has been sent, and nothing has come back since.", Value: float64(c.inUse.Load())},
		{Name: "connections_opened_total", Help: "Connections made.", Value: float64(c.opened.Load()), Counter: true},
	}
}
