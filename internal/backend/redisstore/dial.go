package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// handshakeError is of a connection on which TLS has not come about. So nothing has
// been asked on it.
type handshakeError struct{ cause error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.cause.Error() }
func (e *handshakeError) Unwrap() error { return e.cause }

// dial makes a connection, by TLS where there is a config. It tells a server that
// can't be reached from one that can, and with which no TLS comes about.
func (c *connections) dial(ctx context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
	var conn net.Conn
	var err error
	if config == nil {
		conn, err = dialer.DialContext(ctx, "tcp", address)
	} else {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
		if err != nil && !undialed(err) {
			err = &handshakeError{err}
		}
	}
	if err != nil {
		return nil, err
	}
	return &greeted{Conn: c.watch(conn)}, nil
}

// undialed says whether there was no connection to begin with.
func undialed(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func isHandshake(err error) bool {
	_, ok := errors.AsType[*handshakeError](err)
	return ok
}
