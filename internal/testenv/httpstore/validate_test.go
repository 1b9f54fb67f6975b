package httpstore_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"larder/internal/testenv/httpstore"
)

// recorder takes note of what a test would have failed with.
type recorder struct {
	testing.TB

	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// answering stands in for a server.
type answering func(*http.Request) *http.Response

func (a answering) RoundTrip(req *http.Request) (*http.Response, error) { return a(req), nil }

const entry = `{"table":"t","key":"k","value":1,"version":1,"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z","expires_at":null,"metadata":{"a":"b"},"encoding":"json"}`

func TestViolationsAreFound(t *testing.T) {
	const (
		jsonType    = "application/json"
		linesType   = "application/x-ndjson"
		problemType = "application/problem+json"
	)
	problem := `{"type":"/docs/problems.html#x","title":"X","status":404,"code":"x","retryable":false}`
	for _, c := range []struct {
		name, method, path, sent string
		status                   int
		mediaType, body, header  string
		fails                    bool
	}{
		{name: "an entry", method: "GET", path: "/tables/t/keys/k/entry", status: 200, mediaType: jsonType, body: entry},
		{name: "an entry without its version", method: "GET", path: "/tables/t/keys/k/entry", status: 200, mediaType: jsonType, body: strings.Replace(entry, `"version":1,`, "", 1), fails: true},
		{name: "an entry with a member too many", method: "GET", path: "/tables/t/keys/k/entry", status: 200, mediaType: jsonType, body: strings.Replace(entry, `"table"`, `"tables":1,"table"`, 1), fails: true},
		{name: "an entry whose time is none", method: "GET", path: "/tables/t/keys/k/entry", status: 200, mediaType: jsonType, body: strings.Replace(entry, "03:04:05Z", "03:04", 1), fails: true},
		{name: "an entry as text", method: "GET", path: "/tables/t/keys/k/entry", status: 200, mediaType: "text/plain", body: entry, fails: true},
		{name: "any value", method: "GET", path: "/tables/t/keys/k", status: 200, mediaType: jsonType, body: `{"anything":[1,null]}`},
		{name: "a problem", method: "GET", path: "/tables/t/keys/k", status: 404, mediaType: problemType, body: problem},
		{name: "a problem without its code", method: "GET", path: "/tables/t/keys/k", status: 404, mediaType: problemType, body: `{"title":"X"}`, fails: true},
		{name: "a problem as JSON", method: "GET", path: "/tables/t/keys/k", status: 404, mediaType: jsonType, body: problem, fails: true},
		{name: "a status that is not declared", method: "GET", path: "/tables/t/keys/k", status: 418, mediaType: problemType, body: strings.Replace(problem, "404", "418", 1), fails: true},
		{name: "a status that any operation may have", method: "GET", path: "/tables/t/keys/k", status: 500, mediaType: problemType, body: strings.Replace(problem, "404", "500", 1)},
		{name: "a header of its own making", method: "GET", path: "/tables/t/keys/k", status: 200, mediaType: jsonType, body: "1", header: "Larder-Mood", fails: true},
		{name: "a request that is fine", method: "POST", path: "/batch", sent: `{"operations":[{"op":"get","table":"t","key":"k"}]}`, status: 200, mediaType: jsonType, body: `{"results":[]}`},
		{name: "a request with a member too many", method: "POST", path: "/batch", sent: `{"operations":[{"op":"get","table":"t","key":"k","x":1}]}`, status: 200, mediaType: jsonType, body: `{"results":[]}`, fails: true},
		{name: "a request that is wrong and was refused", method: "POST", path: "/batch", sent: `{"operations":[]}`, status: 400, mediaType: problemType, body: strings.Replace(problem, "404", "400", 1)},
		{name: "a wrong parameter", method: "GET", path: "/tables/t/keys?limit=x", status: 200, mediaType: jsonType, body: `{"items":[]}`, fails: true},
		{name: "an unknown path", method: "GET", path: "/nowhere", status: 200, mediaType: jsonType, body: `{}`, fails: true},
		{name: "an unknown path that is a problem", method: "GET", path: "/nowhere", status: 404, mediaType: problemType, body: problem},
		{name: "an unknown path that is text", method: "GET", path: "/nowhere", status: 404, mediaType: "text/plain", body: "no", fails: true},
		{name: "lines", method: "GET", path: "/tables/t/keys", status: 200, mediaType: linesType, body: entry + "\n" + entry + "\n"},
		{name: "a line that is no entry", method: "GET", path: "/tables/t/keys", status: 200, mediaType: linesType, body: entry + "\n{}\n", fails: true},
		{name: "events", method: "GET", path: "/tables/t/changes", status: 200, mediaType: "text/event-stream", body: "retry: 1000\n\nevent: change\nid: x\ndata: " + change() + "\n\nevent: resync\ndata: {}\n\n"},
		{name: "an event that is no change", method: "GET", path: "/tables/t/changes", status: 200, mediaType: "text/event-stream", body: "event: change\nid: x\ndata: " + entry + "\n\n", fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{TB: t}
			transport := httpstore.Validating(r, answering(func(*http.Request) *http.Response {
				h := http.Header{"Content-Type": {c.mediaType}, "X-Request-Id": {"1"}}
				if c.header != "" {
					h.Set(c.header, "1")
				}
				return &http.Response{StatusCode: c.status, Status: http.StatusText(c.status), Header: h, Body: io.NopCloser(strings.NewReader(c.body))}
			}))
			req, err := http.NewRequestWithContext(t.Context(), c.method, "http://larder.example"+c.path, strings.NewReader(c.sent))
			if err != nil {
				t.Fatal(err)
			}
			if c.sent == "" {
				req.Body = http.NoBody
			} else {
				req.Header.Set("Content-Type", jsonType)
			}
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); err != nil || string(got) != c.body {
				t.Errorf("the body came through as %q, %v", got, err)
			}
			if (len(r.failures) > 0) != c.fails {
				t.Errorf("failed with %q", r.failures)
			}
		})
	}
}

func change() string { return strings.Replace(entry, `"table"`, `"cursor":"x","table"`, 1) }
