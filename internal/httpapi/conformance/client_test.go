package conformance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
	"larder/internal/testenv/httpstore"
)

// client speaks to a gateway over a model. What it does not expect ends the
// test.
type client struct {
	*testing.T
	*gateway.Gateway
	http *http.Client
}

// serve serves a model.
func serve(t *testing.T, o gateway.Options) *client {
	t.Helper()
	return serveStore(t, storetest.NewModel(storetest.ModelOptions{}), o)
}

func serveStore(t *testing.T, s store.Store, o gateway.Options) *client {
	t.Helper()
	g := gateway.Start(t, s, o)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t, g, &http.Client{
		Transport:     httpstore.Validating(t, transport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what came back, read to its end.
type answer struct {
	*testing.T
	what   string
	status int
	header http.Header
	closes bool // that the connection ends was said
	body   string
}

// do sends a request. The path goes as it is, without being cleaned. Headers
// are written "Name: value"; a body without a Content-Type is JSON.
func (c *client) do(method, path, body string, headers ...string) *answer {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, c.URL+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	if body == "" {
		req.Body = http.NoBody
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, text, _ := strings.Cut(header, ": ")
		if name == "Content-Type" {
			req.Header.Del(name)
		}
		req.Header.Add(name, text)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.Fatalf("%s %s: %v", method, path, err)
	}
	return c.read(method+" "+path, resp)
}

func (c *client) read(what string, resp *http.Response) *answer {
	c.Helper()
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
	return &answer{c.T, what, resp.StatusCode, resp.Header, resp.Close, string(body)}
}

// put stores a value that has to be taken.
func (c *client) put(key, text string, headers ...string) *answer {
	c.Helper()
	a := c.do(http.MethodPut, "/tables/t/keys/"+key, text, headers...)
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		c.Fatalf("PUT %s: %d %s", key, a.status, a.body)
	}
	return a
}

// is makes sure of the status.
func (a *answer) is(status int) *answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("%s: %d, want %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

// holds makes sure of the body, and that it was a success.
func (a *answer) holds(body string) *answer {
	a.Helper()
	if a.is(http.StatusOK); a.body != body {
		a.Fatalf("%s gave %s, want %s", a.what, a.body, body)
	}
	return a
}

// tells makes sure of an envelope, which ends with a line's end, as values do not.
func (a *answer) tells(form string) *answer {
	a.Helper()
	return a.holds(form + "\n")
}

// has makes sure of a header, "" for that there is none.
func (a *answer) has(name, text string) *answer {
	a.Helper()
	if got := a.header.Get(name); got != text {
		a.Fatalf("%s: %s is %q, want %q", a.what, name, got, text)
	}
	return a
}

// ends makes sure that the connection's end was announced.
func (a *answer) ends() *answer {
	a.Helper()
	if !a.closes {
		a.Fatalf("%s: the connection is to go on", a.what)
	}
	return a
}

// fails makes sure of a problem, and of what every problem has.
func (a *answer) fails(status int, code string) *api.Problem {
	a.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		a.Fatalf("%s: %d %.200q is no problem: %v", a.what, a.status, a.body, err)
	}
	if a.status != status || p.Status != status || p.Code != code {
		a.Fatalf("%s: %d with problem %d %s (%s), want %d %s", a.what, a.status, p.Status, p.Code, p.Detail, status, code)
	}
	if p.Title == "" || p.Detail == "" && code != "timeout" || p.Type != "/docs/problems.html#"+code || p.RequestID != a.header.Get("X-Request-Id") {
		a.Fatalf("%s: the problem lacks something: %s", a.what, a.body)
	}
	if wait := a.header.Get("Retry-After"); (status == http.StatusServiceUnavailable) != (wait != "") {
		a.Fatalf("%s: %d with Retry-After %q", a.what, status, wait)
	}
	return &p
}

// at makes sure of the one place that a problem points to, written as
// "pointer /a/b", "parameter limit" or "header If-Match".
func at(t *testing.T, p *api.Problem, place string) {
	t.Helper()
	var got []string
	for _, e := range p.Errors {
		switch {
		case e.Parameter != "":
			got = append(got, "parameter "+e.Parameter)
		case e.Header != "":
			got = append(got, "header "+e.Header)
		case e.Pointer != nil:
			got = append(got, "pointer "+*e.Pointer)
		default:
			t.Errorf("an error without a place: %+v", e)
		}
		if e.Detail == "" {
			t.Errorf("a place without a detail: %+v", e)
		}
	}
	if strings.Join(got, ", ") != place {
		t.Fatalf("%s (%s) points at %q, want %q", p.Code, p.Detail, got, place)
	}
}

func decode[T any](a *answer) T {
	a.Helper()
	var form T
	if err := json.Unmarshal([]byte(a.body), &form); err != nil {
		a.Fatalf("%s: %v: %s", a.what, err, a.body)
	}
	return form
}

// wire is a bare connection, for what no client sends.
type wire struct {
	*client
	conn net.Conn
	in   *bufio.Reader
}

const wirePatience = 20 * time.Second

func (c *client) dial() *wire {
	c.Helper()
	conn, err := new(net.Dialer).DialContext(c.Context(), "tcp", c.Address())
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = conn.Close() }) // it may be closed already
	if err := conn.SetDeadline(time.Now().Add(wirePatience)); err != nil {
		c.Fatal(err)
	}
	return &wire{c, conn, bufio.NewReader(conn)}
}

// send writes lines, each ended as HTTP wants it.
func (w *wire) send(lines ...string) *wire {
	w.Helper()
	if _, err := io.WriteString(w.conn, strings.Join(lines, "\r\n")); err != nil {
		w.Fatal(err)
	}
	return w
}

func (w *wire) answer() *answer {
	w.Helper()
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		w.Fatal(err)
	}
	return w.read("raw", resp)
}

// closed makes sure that the server has ended the connection, be it in the
// midst of what was sent.
func (w *wire) closed() {
	w.Helper()
	if rest, err := io.ReadAll(w.in); err != nil && !errors.Is(err, syscall.ECONNRESET) || len(rest) > 0 {
		w.Fatalf("the connection goes on with %.100q, %v", rest, err)
	}
}

func limited(l store.Limits) store.Store {
	return storetest.NewModel(storetest.ModelOptions{Limits: l})
}

func streaming(o httpapi.Options) gateway.Options { return gateway.Options{HTTP: o} }

func array(n int, item func(i int) string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = item(i)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func name(i int) string { return fmt.Sprintf("k%05d", i) }

type ctx = context.Context

func discard(body io.Reader) (int64, error) { return io.Copy(io.Discard, body) }
