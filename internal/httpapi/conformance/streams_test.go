package conformance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
)

// events reads an event stream.
type events struct {
	*testing.T
	body  io.ReadCloser
	lines *bufio.Reader
}

func (c *client) listen(query string, headers ...string) *events {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), http.MethodGet, c.URL+"/tables/t/changes"+query, http.NoBody)
	if err != nil {
		c.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	for _, header := range headers {
		name, text, _ := strings.Cut(header, ": ")
		req.Header.Set(name, text)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = resp.Body.Close() }) // it may have ended
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		c.Fatalf("%s, %v", resp.Status, resp.Header)
	}
	return &events{c.T, resp.Body, bufio.NewReader(resp.Body)}
}

// block is what comes up to the next empty line; "" at the end.
func (e *events) block() string {
	e.Helper()
	var b strings.Builder
	for {
		line, err := e.lines.ReadString('\n')
		if err == io.EOF && b.Len() == 0 && line == "" {
			return ""
		}
		if err != nil {
			e.Fatalf("after %q: %v", b.String()+line, err)
		}
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

// change is the next one, its id taken along; comments are passed over.
func (e *events) change() (change api.Change, id string) {
	e.Helper()
	block := e.block()
	for strings.HasPrefix(block, ":") || strings.HasPrefix(block, "retry:") {
		block = e.block()
	}
	lines := strings.Split(block, "\n")
	if len(lines) != 4 || lines[0] != "event: change" {
		e.Fatalf("there came %q", block)
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[2], "data: ")), &change); err != nil {
		e.Fatalf("there came %q: %v", block, err)
	}
	id = strings.TrimPrefix(lines[1], "id: ")
	if change.Cursor != id {
		e.Fatalf("the change of cursor %s has the id %s", change.Cursor, id)
	}
	return change, id
}

func TestEvents(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("a", `1`)
	c.put("b", `"line\nbreak"`)
	e := c.listen("")
	if first := e.block(); first != "retry: 1000\n" {
		t.Errorf("it begins with %q", first)
	}
	a, afterA := e.change()
	b, _ := e.change()
	if a.Key != "a" || string(a.Value) != `1` || b.Key != "b" || string(b.Value) != `"line\nbreak"` {
		t.Errorf("there came %+v and %+v", a, b)
	}
	c.put("c", `3`)
	if change, _ := e.change(); change.Key != "c" {
		t.Errorf("there came %+v", change)
	}
	c.do("DELETE", "/tables/t/keys/a", "").is(http.StatusNoContent)
	deleted, _ := e.change()
	if deleted.Key != "a" || !deleted.Deleted || deleted.Value != nil || deleted.Version != 2 {
		t.Errorf("there came %+v", deleted)
	}
	// on from where it was
	e = c.listen("", "Last-Event-ID: "+afterA)
	var keys []string
	for range 3 {
		change, _ := e.change()
		keys = append(keys, change.Key)
	}
	if !slices.Equal(keys, []string{"b", "c", "a"}) {
		t.Errorf("after the first there came %q", keys)
	}
	e = c.listen("?prefix=c&since=")
	if change, _ := e.change(); change.Key != "c" {
		t.Errorf("with the prefix c there came %+v", change)
	}
	// Last-Event-ID is later than since, which the address has kept
	e = c.listen("?since="+afterA, "Last-Event-ID: "+deleted.Cursor)
	c.put("d", `4`)
	if change, _ := e.change(); change.Key != "d" {
		t.Errorf("there came %+v", change)
	}
}

func TestHeartbeats(t *testing.T) {
	c := serve(t, streaming(httpapi.Options{Heartbeat: time.Millisecond}))
	e := c.listen("")
	e.block()
	for range 3 {
		if beat := e.block(); !strings.HasPrefix(beat, ": ") {
			t.Errorf("there came %q", beat)
		}
	}
	c.put("k", `1`)
	if change, _ := e.change(); change.Key != "k" {
		t.Errorf("there came %+v", change)
	}
}

func TestStreamsEnd(t *testing.T) {
	c := serve(t, gateway.Options{})
	e := c.listen("")
	e.block()
	polled := make(chan *answer)
	go func() { polled <- c.do("GET", "/tables/t/changes", "", "Prefer: wait=60") }()
	c.eventually("the poll waits", func() bool { return c.Requests.Streams("listChanges") == 2 })
	c.API.EndStreams()
	if rest := e.block(); rest != "" {
		t.Errorf("after the end there came %q", rest)
	}
	(<-polled).fails(http.StatusServiceUnavailable, "stopping")
	c.do("GET", "/tables/t/changes", "", "Accept: text/event-stream").fails(http.StatusServiceUnavailable, "stopping")
	c.do("GET", "/tables/t/keys", "", "Accept: application/x-ndjson").fails(http.StatusServiceUnavailable, "stopping")
	c.do("GET", "/tables/t/changes", "", "Prefer: wait=1").fails(http.StatusServiceUnavailable, "stopping")
	c.do("GET", "/tables/t/changes", "").is(http.StatusOK)
	c.put("k", `1`) // requests go on
	c.eventually("all are counted as closed", func() bool { return c.Requests.Streams("listChanges") == 0 })
}

// eventually asks again and again until it is so, or the test has no time
// left.
func (c *client) eventually(what string, isSo func() bool) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), wirePatience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !isSo() {
		select {
		case <-ctx.Done():
			c.Fatalf("in vain: %s", what)
		case <-tick.C:
		}
	}
}

func TestTooManyStreams(t *testing.T) {
	c := serve(t, streaming(httpapi.Options{MaxStreams: 2}))
	first, second := c.listen(""), c.listen("")
	first.block()
	second.block()
	for _, headers := range [][]string{{"Accept: text/event-stream"}, {"Prefer: wait=5"}} {
		if p := c.do("GET", "/tables/t/changes", "", headers...).fails(http.StatusServiceUnavailable, "too_many_streams"); !p.Retryable {
			t.Error("it can't be tried again")
		}
	}
	c.do("GET", "/tables/t/changes", "").is(http.StatusOK)
	if err := first.body.Close(); err != nil {
		t.Fatal(err)
	}
	c.eventually("there is room again", func() bool { return c.Requests.Streams("listChanges") == 1 })
	third := c.listen("")
	third.block()
}

func TestLongPoll(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("a", `1`)
	page := decode[api.ChangePage](c.do("GET", "/tables/t/changes", "", "Prefer: wait=60").is(http.StatusOK).has("Preference-Applied", "wait=60"))
	if len(page.Items) != 1 {
		t.Fatalf("there is %+v", page)
	}
	for _, accept := range []string{"application/json", "application/x-ndjson"} {
		polled := make(chan *answer)
		go func() {
			polled <- c.do("GET", "/tables/t/changes?since="+page.NextCursor, "", "Prefer: wait=60", "Accept: "+accept)
		}()
		c.eventually("the poll waits", func() bool { return c.Requests.Streams("listChanges") == 1 })
		c.put("b", `2`)
		a := (<-polled).is(http.StatusOK)
		if !strings.Contains(a.body, `"key":"b"`) || strings.Contains(a.body, `"key":"a"`) {
			t.Errorf("the poll gave %s", a.body)
		}
		next := a.next()
		if accept == "application/x-ndjson" && c.do("GET", next, "").body != `{"items":[],"next_cursor":"`+next[strings.Index(next, "=")+1:]+"\"}\n" {
			t.Errorf("lines link to %q", next)
		}
		page = decode[api.ChangePage](c.do("GET", "/tables/t/changes", ""))
	}
	// a wait that comes to nothing
	empty := decode[api.ChangePage](c.do("GET", "/tables/t/changes?since="+page.NextCursor, "", "Prefer: wait=1").is(http.StatusOK))
	if len(empty.Items) != 0 || empty.NextCursor != page.NextCursor {
		t.Errorf("nothing is %+v", empty)
	}
	for _, prefer := range []string{"wait=0", "wait=-1", "wait=x", "wait"} {
		c.do("GET", "/tables/t/changes?since="+page.NextCursor, "", "Prefer: "+prefer).is(http.StatusOK).has("Preference-Applied", "")
	}
}

func TestStreamsOfAFailingBackend(t *testing.T) {
	s := &failingFeed{storetest.NewModel(storetest.ModelOptions{}), make(chan struct{})}
	c := serveStore(t, s, gateway.Options{})
	e := c.listen("")
	e.block()
	close(s.broken)
	if rest := e.block(); rest != "" {
		t.Errorf("there came %q", rest)
	}
}

// failingFeed gives no changes of the table t, and fails once broken is closed.
type failingFeed struct {
	*storetest.Model
	broken chan struct{}
}

func (f *failingFeed) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if c.Table != "t" {
		return f.Model.Changes(ctx, c)
	}
	select {
	case <-f.broken:
		return store.Feed{}, &store.Error{Code: store.Unavailable}
	case <-ctx.Done():
		return store.Feed{}, ctx.Err()
	}
}
