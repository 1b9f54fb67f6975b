package redisstore

import (
	"errors"
	"net"
	"sync"
)

// greeted is a connection of which it is known whether anything but the client's
// greeting, which it writes at once, has been sent on it. One that breaks before is
// broken for good, so that nothing that was asked meanwhile is on its way.
type greeted struct {
	net.Conn

	mu     sync.Mutex
	writes int
	broken error // a *greetingError; nil: none
}

// greetingError is of a connection on which nothing but the greeting has been sent.
type greetingError struct{ cause error }

func (e *greetingError) Error() string { return "greeting: " + e.cause.Error() }
func (e *greetingError) Unwrap() error { return e.cause }

func isGreeting(err error) bool {
	_, ok := errors.AsType[*greetingError](err)
	return ok
}

func (c *greeted) Write(b []byte) (int, error) {
	if err := c.begin(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	return n, c.failed(err)
}

func (c *greeted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.failed(err)
}

// begin counts a write, unless the connection has broken.
func (c *greeted) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken == nil {
		c.writes++
	}
	return c.broken
}

// failed has an error be known for what it is.
func (c *greeted) failed(err error) error {
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes <= 1 && c.broken == nil {
		c.broken = &greetingError{err}
	}
	if c.broken != nil {
		return c.broken
	}
	return err
}
