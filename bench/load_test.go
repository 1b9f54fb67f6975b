package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// request makes the bytes of the i-th request.
type request func(i int) []byte

// load sends n requests over a number of connections, each waiting for its
// answer before it sends the next, and fails the benchmark at the first answer
// that is not 2xx. It is as thin as a client can be, so that two servers are
// compared and not one client with itself.
func load(b *testing.B, address string, clients, n int, requestOf request) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	failures := newFailures()
	for range clients {
		wg.Go(func() {
			c, err := dial(address)
			if err != nil {
				failures.add(err)
				return
			}
			defer c.conn.Close()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if _, err := c.exchange(requestOf(i)); err != nil {
					failures.add(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := failures.first(); err != nil {
		b.Fatal(err)
	}
}

// failures keeps the first error of many goroutines.
type failures struct{ err atomic.Pointer[error] }

func newFailures() *failures { return &failures{} }

func (f *failures) add(err error) { f.err.CompareAndSwap(nil, &err) }

func (f *failures) first() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

// client speaks just enough HTTP/1.1 to keep a connection busy.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	body   []byte
}

func dial(address string) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// exchange sends a request and gives the answer's body, which the next
// exchange overwrites.
func (c *client) exchange(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	head, err := c.head()
	if err != nil {
		return nil, err
	}
	length, err := contentLength(head)
	if err != nil {
		return nil, err
	}
	if len(head) < 12 || head[9] != '2' {
		line, _, _ := strings.Cut(string(head), "\r\n")
		rest, _ := c.reader.Peek(c.reader.Buffered())
		return nil, fmt.Errorf("answered %q: %.600s", line, rest)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.reader, c.body)
	return c.body, err
}

var (
	endOfHead   = []byte("\r\n\r\n")
	lengthField = []byte("\r\nContent-Length: ") // as net/http writes it
)

// head reads an answer up to its body. What it gives holds until the next read.
func (c *client) head() ([]byte, error) {
	for wanted := 1; ; wanted = c.reader.Buffered() + 1 {
		if _, err := c.reader.Peek(wanted); err != nil {
			return nil, err
		}
		there, _ := c.reader.Peek(c.reader.Buffered())
		if end := bytes.Index(there, endOfHead); end >= 0 {
			_, err := c.reader.Discard(end + len(endOfHead))
			return there[:end+len(endOfHead)], err
		}
	}
}

// contentLength is what the head of an answer says; 0 where it says nothing.
func contentLength(head []byte) (int, error) {
	_, rest, ok := bytes.Cut(head, lengthField)
	if !ok {
		return 0, nil
	}
	digits, _, _ := bytes.Cut(rest, endOfHead[:2])
	return strconv.Atoi(string(digits))
}

func get(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n")
}

func send(method, path string, body []byte) []byte {
	head := method + " " + path + " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n"
	return append([]byte(head), body...)
}
