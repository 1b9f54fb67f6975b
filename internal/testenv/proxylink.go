package testenv

import (
	"io"
	"net"
	"sync"
)

// link is one connection through a proxy.
type link struct {
	proxy          *proxy
	client, server net.Conn
	once           sync.Once
	done           chan struct{} // closed when both sides are
}

// run carries both directions and returns when both have ended.
func (l *link) run() {
	defer l.proxy.forget(l)
	forward, backward := l.proxy.carries(l)
	var backwards sync.WaitGroup
	backwards.Go(backward)
	forward()
	backwards.Wait()
	l.close()
}

// ask passes on to the server what the client says, and says whether it could.
func (l *link) ask(text []byte) bool {
	l.proxy.mu.Lock()
	gate := l.proxy.asking
	l.proxy.mu.Unlock()
	if !l.pass(gate) {
		return false
	}
	_, err := l.server.Write(text)
	return err == nil
}

// told waits until what the server says may flow, and says whether the link is
// still there.
func (l *link) told() bool {
	l.proxy.mu.Lock()
	gate := l.proxy.telling
	l.proxy.mu.Unlock()
	return l.pass(gate)
}

func (l *link) pass(gate <-chan struct{}) bool {
	select {
	case <-gate:
		return true
	case <-l.done:
		return false
	}
}

// tell passes on to the client what the server says, and says whether the
// client may hear more. Where it is gone, what it has asked for is still
// carried out: the rest is read until the server ends.
func (l *link) tell(text []byte, rest io.Reader) bool {
	n, cut := l.proxy.spend(len(text))
	if _, err := l.client.Write(text[:n]); err != nil {
		drain(rest)
		return false
	}
	if cut {
		l.cut()
	}
	return !cut
}

// close ends both sides in order.
func (l *link) close() {
	l.once.Do(func() {
		close(l.done)
		_ = l.client.Close() // the other side may be gone already
		_ = l.server.Close()
	})
}

// cut breaks both sides.
func (l *link) cut() {
	l.once.Do(func() {
		close(l.done)
		l.proxy.countCut()
		reset(l.client)
		reset(l.server)
	})
}

// reset closes a connection so that the other side sees it break.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a connection that is gone needs no reset
	}
	_ = c.Close() // the other side may be gone already
}

// drain reads on until the server ends too: the client is gone, and what it
// asked for is still carried out.
func drain(server io.Reader) {
	_, _ = io.Copy(io.Discard, server) // however it ends
}
