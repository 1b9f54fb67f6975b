package httpapi

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
)

// A request with both Content-Length and Transfer-Encoding is how one request
// is smuggled behind another past a proxy that reads the other of the two
// (RFC 9112, section 6.3). net/http takes the second, drops the first, and
// does not tell; so what it read has to be looked at. Tap a server's listener
// and set its hooks:
//
//	srv := &http.Server{Handler: h, ConnContext: httpapi.ConnContext, ConnState: httpapi.ConnState}
//	srv.Serve(httpapi.Tap(listener))

// Tap makes a listener whose connections remember the head of the request that
// is being read.
func Tap(l net.Listener) net.Listener { return tapListener{l} }

type tapListener struct{ net.Listener }

func (l tapListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tappedConn{lazyDeadlines: newLazyDeadlines(conn)}, nil
}

// maxTapped bounds what is remembered; a head that is longer is refused by
// net/http anyway.
const maxTapped = 20 << 10

// tappedConn remembers what was read since its last request ended, up to the
// end of the head.
type tappedConn struct {
	*lazyDeadlines
	mu   sync.Mutex
	head []byte
	done bool
}

func (c *tappedConn) Read(p []byte) (int, error) {
	n, err := c.lazyDeadlines.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 && !c.done {
		from := max(len(c.head)-3, 0)
		c.head = append(c.head, p[:n]...)
		c.done = len(c.head) > maxTapped || bytes.Contains(c.head[from:], []byte("\r\n\r\n"))
	}
	return n, err
}

// CloseWrite ends what is sent and leaves the rest to be read: net/http does
// so where it answers before it has read all, so that the answer arrives.
func (c *tappedConn) CloseWrite() error {
	if closer, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return closer.CloseWrite()
	}
	return c.Conn.Close()
}

func (c *tappedConn) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head, c.done = c.head[:0], false
}

// hasContentLength says whether the head has that field.
func (c *tappedConn) hasContentLength() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	head, _, _ := bytes.Cut(c.head, []byte("\r\n\r\n"))
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, _, found := bytes.Cut(line, []byte(":"))
		if found && bytes.EqualFold(bytes.TrimSpace(name), []byte("content-length")) {
			return true
		}
	}
	return false
}

type connKey struct{}

// ConnContext lets handlers find the connection; it is for http.Server.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// ConnState forgets a head when its request has ended; it is for http.Server.
func ConnState(conn net.Conn, state http.ConnState) {
	if tapped, ok := conn.(*tappedConn); ok && state == http.StateIdle {
		tapped.forget()
	}
}

// isSmuggling says whether a request came with two ways to tell its length.
func isSmuggling(r *http.Request) bool {
	if len(r.TransferEncoding) == 0 {
		return false
	}
	tapped, ok := r.Context().Value(connKey{}).(*tappedConn)
	return ok && tapped.hasContentLength()
}
