package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"

	"larder/internal/config"
)

// listen opens the port, with a bound on connections.
func listen(ctx context.Context, cfg config.Config) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("LARDER_LISTEN: something listens on %s already; stop it, or choose another port", cfg.Listen)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("LARDER_LISTEN: this user may not listen on %s; choose a port above 1023", cfg.Listen)
	case err != nil:
		return nil, fmt.Errorf("LARDER_LISTEN: %w", err)
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("LARDER_LISTEN: %T is not TCP", l), l.Close())
	}
	return newBoundedListener(tcp, cfg.MaxConnections), nil
}

// boundedListener has at most so many connections open; further ones wait in
// the system's queue. Other than netutil.LimitListener's, its connections are
// TCP connections still: net/http can close one half and wait, so that a
// client reads the answer to a request that was too large, not a reset.
type boundedListener struct {
	*net.TCPListener
	places  chan struct{}
	closing chan struct{}
	once    sync.Once
}

func newBoundedListener(l *net.TCPListener, most int) *boundedListener {
	return &boundedListener{TCPListener: l, places: make(chan struct{}, most), closing: make(chan struct{})}
}

// Accept waits for a place, then for a connection.
func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closing:
		return nil, net.ErrClosed
	}
	conn, err := l.AcceptTCP()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &boundedConn{TCPConn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

// Close lets Accept return, wherever it waits.
func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.closing) })
	return l.TCPListener.Close()
}

// boundedConn gives its place back when it is closed.
type boundedConn struct {
	*net.TCPConn
	leave func()
}

// Close closes the connection.
func (c *boundedConn) Close() error {
	defer c.leave()
	return c.TCPConn.Close()
}
