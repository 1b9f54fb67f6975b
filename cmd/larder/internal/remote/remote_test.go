package remote

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"larder/api"
)

// answering is a server that gives one answer to everything.
func answering(t *testing.T, status int, body string, headers ...string) *api.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("User-Agent"), "larder-cli/") {
			t.Errorf("the client calls itself %q", r.Header.Get("User-Agent"))
		}
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // a client that is gone fails its test by itself
	}))
	t.Cleanup(server.Close)
	client, err := New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestErrorsAreOneLine(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"detail", 404, `{"code": "not_found", "status": 404, "title": "T", "detail": "there is none"}`, "not_found: there is none"},
		{"title", 404, `{"code": "not_found", "status": 404, "title": "There is no such entry"}`, "not_found: There is no such entry"},
		{"where", 400, `{"code": "invalid_json", "status": 400, "title": "T", "detail": "twice", "errors": [{"pointer": "/a", "detail": "x"}, {"pointer": "/b"}]}`, "invalid_json: twice (/a) and 1 more"},
		{"parameter", 400, `{"code": "invalid_ttl", "status": 400, "title": "T", "errors": [{"parameter": "ttl_seconds", "detail": "at least 1"}]}`, "invalid_ttl: at least 1 (ttl_seconds)"},
		{"many lines", 400, `{"code": "c", "status": 400, "title": "T", "detail": "a\n  b"}`, "c: a b"},
		{"server's fault", 500, `{"code": "internal", "status": 500, "title": "Internal error", "request_id": "r1"}`, "internal: Internal error [request r1]"},
		{"not ours", 502, "<html>Bad Gateway</html>", "http: the answer is 502 Bad Gateway and not from a larder"},
		{"redirect", 304, "", "http: the answer is 304 Not Modified and not from a larder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := answering(t, tt.status, tt.body)
			err := Read(client.ListTables(t.Context(), nil))(&api.TablePage{})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestReadAndCopy(t *testing.T) {
	client := answering(t, 200, `{"items": [{"name": "users"}]}`)
	var page api.TablePage
	if err := Read(client.ListTables(t.Context(), nil))(&page); err != nil || page.Items[0].Name != "users" {
		t.Errorf("got %v, %v", page, err)
	}
	var out bytes.Buffer
	response, err := client.ListTables(t.Context(), nil)
	if err := Copy(&out, response, err); err != nil || out.String() != `{"items": [{"name": "users"}]}` {
		t.Errorf("got %s, %v", out.String(), err)
	}
	if err := Read(answering(t, 200, "<html>").ListTables(t.Context(), nil))(&page); err == nil {
		t.Error("a page of HTML is taken for an answer")
	}
	if err := Read(answering(t, 200, "abc", "Content-Length", "100").ListTables(t.Context(), nil))(nil); err == nil || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("an answer that broke off gives %v", err)
	}
}

func TestRetry(t *testing.T) {
	tests := []struct {
		name   string
		status int
		after  string
		body   string
		again  bool
		wait   time.Duration
	}{
		{"busy", 503, "7", `{"code": "unavailable", "status": 503, "retryable": true}`, true, 7 * time.Second},
		{"too many", 429, "1", `{"code": "rate_limited", "status": 429}`, true, time.Second},
		{"retryable", 409, "", `{"code": "busy", "status": 409, "retryable": true}`, true, 0},
		{"wrong", 400, "", `{"code": "invalid_key", "status": 400}`, false, 0},
		{"unknown outcome", 504, "", `{"code": "outcome_unknown", "status": 504}`, false, 0},
		{"a proxy", 502, "nonsense", "", true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := answering(t, tt.status, tt.body, "Retry-After", tt.after)
			wait, again := Retry(Read(client.ListTables(t.Context(), nil))(nil))
			if again != tt.again || wait != tt.wait {
				t.Errorf("got %v after %v, want %v after %v", again, wait, tt.again, tt.wait)
			}
		})
	}
	header := http.Header{"Retry-After": {time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)}}
	if wait := retryAfter(header); wait < 50*time.Second || wait > time.Minute {
		t.Errorf("a date in a minute is %v away", wait)
	}
}

func TestUnreachable(t *testing.T) {
	client, err := New("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	err = Read(client.ListTables(t.Context(), nil))(nil)
	if _, again := Retry(err); err == nil || !again || !strings.Contains(err.Error(), "no larder answers at 127.0.0.1:1") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Read(client.ListTables(ctx, nil))(nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAddresses(t *testing.T) {
	for _, address := range []string{"", "localhost:8080", "ftp://x", "http://", "://"} {
		if _, err := New(address); err == nil {
			t.Errorf("%q is taken for the address of a larder", address)
		}
	}
}
