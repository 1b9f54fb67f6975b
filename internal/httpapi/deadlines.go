package httpapi

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// net/http moves a connection's deadlines half a dozen times for each request, nearly
// always to a later time, and each move is one of a timer: together a twentieth of what
// a request costs that is answered from memory.

// lazyDeadlines is a connection that moves its timers only where a deadline comes
// closer. One that was moved away is found out when the timer fires: the connection
// then waits on, for as long as was asked.
type lazyDeadlines struct {
	net.Conn
	reading, writing lazyDeadline
}

func newLazyDeadlines(conn net.Conn) *lazyDeadlines {
	return &lazyDeadlines{
		Conn:    conn,
		reading: lazyDeadline{arm: conn.SetReadDeadline},
		writing: lazyDeadline{arm: conn.SetWriteDeadline},
	}
}

// Read reads until its deadline as it stands then.
func (c *lazyDeadlines) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n > 0 || err == nil || !c.reading.moved(err) {
			return n, err
		}
	}
}

// Write writes until its deadline as it stands then.
func (c *lazyDeadlines) Write(p []byte) (int, error) {
	written := 0
	for {
		n, err := c.Conn.Write(p[written:])
		if written += n; err == nil || !c.writing.moved(err) {
			return written, err
		}
	}
}

// SetReadDeadline is net.Conn's.
func (c *lazyDeadlines) SetReadDeadline(t time.Time) error { return c.reading.set(t) }

// SetWriteDeadline is net.Conn's.
func (c *lazyDeadlines) SetWriteDeadline(t time.Time) error { return c.writing.set(t) }

// SetDeadline is net.Conn's.
func (c *lazyDeadlines) SetDeadline(t time.Time) error {
	return errors.Join(c.reading.set(t), c.writing.set(t))
}

// lazyDeadline is one of the two.
type lazyDeadline struct {
	arm func(time.Time) error

	mu            sync.Mutex
	wanted, armed time.Time // zero: none
	before        time.Time // what was armed before a deadline in the past ended what waited
}

func (d *lazyDeadline) set(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	switch past := isPast(d.armed); {
	case past && !isPast(t):
		// What was to end has ended; the timer goes back to where it was, if that is no
		// later than it may be.
		if t = d.before; t.IsZero() || !d.wanted.IsZero() && d.wanted.Before(t) {
			t = d.wanted
		}
	case d.armed.IsZero() && t.IsZero(), !d.armed.IsZero() && (t.IsZero() || !t.Before(d.armed)):
		return nil
	case isPast(t):
		d.before = d.armed
	}
	d.armed = t
	if isPast(t) {
		t = longAgo
	}
	return d.arm(t)
}

// longAgo ends what waits. Other than the time that net/http has for that, it is by the
// monotonic clock, and the poller need not ask what time it is.
var longAgo = time.Now().Add(-time.Hour) //nolint:gochecknoglobals // a point in time

// moved says whether what ended at a deadline has to go on, since that was moved, and
// sets the timer anew.
func (d *lazyDeadline) moved(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && !time.Now().Before(d.wanted) {
		return false
	}
	if d.armed.Equal(d.wanted) { // by another that waited as well
		return true
	}
	d.armed = d.wanted
	return d.arm(d.wanted) == nil
}

// isPast says whether a time is one that net/http sets to end what waits: it has no
// monotonic clock, and lies long ago.
func isPast(t time.Time) bool { return !t.IsZero() && t.Unix() <= 1 }
