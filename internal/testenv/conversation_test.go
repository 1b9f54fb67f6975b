package testenv_test

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// conversation is with a server of lines, on one connection.
type conversation struct {
	conn net.Conn
	r    *bufio.Reader
}

func talk(t *testing.T, address string) *conversation {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &conversation{conn: conn, r: bufio.NewReader(conn)}
}

// ask says a line and reads one.
func (c *conversation) ask(line string) (string, error) { return c.within(time.Minute, line) }

// within is ask, but for os.ErrDeadlineExceeded once a time is over.
func (c *conversation) within(timeout time.Duration, line string) (string, error) {
	if _, err := c.conn.Write([]byte(line + "\r\n")); err != nil {
		return "", err
	}
	return c.read(timeout)
}

func (c *conversation) read(timeout time.Duration) (string, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return "", err
	}
	line, err := c.r.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
