package httpapi

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// armedConn is a connection in memory that counts how often its timers are moved.
type armedConn struct {
	net.Conn
	reads, writes int
}

func (c *armedConn) SetReadDeadline(t time.Time) error {
	c.reads++
	return c.Conn.SetReadDeadline(t)
}

func (c *armedConn) SetWriteDeadline(t time.Time) error {
	c.writes++
	return c.Conn.SetWriteDeadline(t)
}

// lazily runs a test with a connection that has lazy deadlines, and its other end.
func lazily(t *testing.T, test func(t *testing.T, c *lazyDeadlines, timers *armedConn, other net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		timers := &armedConn{Conn: here}
		c := newLazyDeadlines(timers)
		defer c.Close()
		test(t, c, timers, there)
	})
}

// endsAfter reads until the deadline, which is to come after so long.
func endsAfter(t *testing.T, c *lazyDeadlines, want time.Duration) {
	t.Helper()
	began := time.Now()
	_, err := c.Read(make([]byte, 1))
	if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
		t.Errorf("reading ended after %v, not %v: %v", took, want, err)
	}
}

// in is the time so much later.
func in(d time.Duration) time.Time { return time.Now().Add(d) }

func TestLazyDeadlines(t *testing.T) {
	longAgo := time.Unix(1, 0)
	set := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	t.Run("the one set last counts", func(t *testing.T) {
		lazily(t, func(t *testing.T, c *lazyDeadlines, _ *armedConn, _ net.Conn) {
			t.Helper()
			for _, seconds := range []int{10, 30, 20, 5, 120, 7} {
				set(t, c.SetReadDeadline(in(time.Duration(seconds)*time.Second)))
			}
			endsAfter(t, c, 7*time.Second)
			endsAfter(t, c, 0)
			set(t, c.SetReadDeadline(in(time.Minute)))
			endsAfter(t, c, time.Minute)
		})
	})
	t.Run("one that is taken away does not end a read", func(t *testing.T) {
		lazily(t, func(t *testing.T, c *lazyDeadlines, _ *armedConn, other net.Conn) {
			t.Helper()
			set(t, c.SetReadDeadline(in(time.Second)))
			set(t, c.SetReadDeadline(time.Time{}))
			go func() {
				<-time.After(time.Hour)
				_, err := other.Write([]byte("x"))
				set(t, err)
			}()
			if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Errorf("read %d bytes: %v", n, err)
			}
		})
	})
	t.Run("one in the past ends what waits, and the next counts from then on", func(t *testing.T) {
		lazily(t, func(t *testing.T, c *lazyDeadlines, _ *armedConn, _ net.Conn) {
			t.Helper()
			set(t, c.SetReadDeadline(in(10*time.Second)))
			ended := make(chan error)
			go func() {
				_, err := c.Read(make([]byte, 1))
				ended <- err
			}()
			synctest.Wait()
			set(t, c.SetReadDeadline(longAgo))
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("ended with %v", err)
			}
			set(t, c.SetReadDeadline(time.Time{}))
			set(t, c.SetReadDeadline(in(2*time.Second)))
			endsAfter(t, c, 2*time.Second)
			set(t, c.SetReadDeadline(longAgo))
			endsAfter(t, c, 0)
			set(t, c.SetReadDeadline(in(3*time.Second)))
			endsAfter(t, c, 3*time.Second)
		})
	})
	t.Run("a write goes on where it was when its deadline moves", func(t *testing.T) {
		lazily(t, func(t *testing.T, c *lazyDeadlines, _ *armedConn, other net.Conn) {
			t.Helper()
			set(t, c.SetDeadline(in(time.Second)))
			set(t, c.SetDeadline(in(time.Hour)))
			var got []byte
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range 6 {
					part := make([]byte, 1)
					_, err := other.Read(part)
					set(t, err)
					got = append(got, part...)
					<-time.After(time.Minute)
				}
			}()
			if n, err := c.Write([]byte("larder")); n != 6 || err != nil {
				t.Errorf("wrote %d bytes: %v", n, err)
			}
			if <-done; string(got) != "larder" {
				t.Errorf("%q arrived", got)
			}
			set(t, c.SetWriteDeadline(in(time.Second)))
			if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a write that nobody takes ended with %v", err)
			}
		})
	})
	t.Run("a request moves its timer twice", func(t *testing.T) {
		lazily(t, func(t *testing.T, c *lazyDeadlines, timers *armedConn, _ net.Conn) {
			t.Helper()
			set(t, c.SetReadDeadline(in(10*time.Second)))
			before := timers.reads
			const requests = 5
			for range requests { // as net/http does it
				<-time.After(time.Millisecond)
				set(t, c.SetReadDeadline(in(10*time.Second)))
				set(t, c.SetReadDeadline(in(30*time.Second)))
				set(t, c.SetWriteDeadline(in(90*time.Second)))
				set(t, c.SetReadDeadline(longAgo))
				set(t, c.SetReadDeadline(time.Time{}))
				set(t, c.SetReadDeadline(in(2*time.Minute)))
				set(t, c.SetReadDeadline(time.Time{}))
			}
			if moved := timers.reads - before; moved != 2*requests || timers.writes != 1 {
				t.Errorf("%d requests moved the timer of reading %d times, and that of writing %d times", requests, moved, timers.writes)
			}
			set(t, c.SetReadDeadline(in(10*time.Second)))
			endsAfter(t, c, 10*time.Second)
		})
	})
}
