package app

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// freeAddress is an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends a request as it is and gives the status of the answer.
func ask(t *testing.T, conn net.Conn, request string) int {
	t.Helper()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestHeadersAreBounded(t *testing.T) {
	cfg := settings(t)
	s := start(t, cfg, Options{})
	address := s.logged("ready")["address"].(string)
	request := func(size int) string {
		head := "GET /livez HTTP/1.1\r\nHost: larder\r\nX-Filler: "
		return head + strings.Repeat("x", size-len(head)-4) + "\r\n\r\n"
	}
	if status := ask(t, dial(t, address), request(int(cfg.MaxHeaderBytes)-100)); status != http.StatusOK {
		t.Errorf("headers within the limit are a %d", status)
	}
	if status := ask(t, dial(t, address), request(int(cfg.MaxHeaderBytes)+1000)); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("headers over the limit are a %d", status)
	}
}

func TestTwoLengthsAreRefused(t *testing.T) {
	s := start(t, settings(t), Options{})
	conn := dial(t, s.logged("ready")["address"].(string))
	status := ask(t, conn, "PUT /tables/users/keys/ada HTTP/1.1\r\nHost: larder\r\nContent-Type: application/json\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n")
	if status != http.StatusBadRequest {
		t.Errorf("a request with two lengths is a %d", status)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	cfg := settings(t)
	cfg.MaxConnections = 2
	s := start(t, cfg, Options{})
	address := s.logged("ready")["address"].(string)
	const request = "GET /livez HTTP/1.1\r\nHost: larder\r\n\r\n"
	first, second, third := dial(t, address), dial(t, address), dial(t, address)
	for i, conn := range []net.Conn{first, second} {
		if status := ask(t, conn, request); status != http.StatusOK {
			t.Fatalf("connection %d: %d", i, status)
		}
	}
	if _, err := io.WriteString(third, request); err != nil {
		t.Fatal(err)
	}
	if err := third.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := third.Read(make([]byte, 1)); err == nil {
		t.Fatalf("a third connection is served: %d", n)
	}
	first.Close()
	if status := ask(t, third, ""); status != http.StatusOK {
		t.Errorf("once there is room it gets a %d", status)
	}
}

func TestSlowHeadersEndTheConnection(t *testing.T) {
	cfg := settings(t)
	cfg.ReadHeaderTimeout = 50 * time.Millisecond
	s := start(t, cfg, Options{})
	conn := dial(t, s.logged("ready")["address"].(string))
	if _, err := fmt.Fprint(conn, "GET /livez HTTP/1.1\r\nHost:"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection is still open: %v", err)
	}
}
