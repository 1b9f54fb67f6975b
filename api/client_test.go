package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"pgregory.net/rapid"

	"larder/api"
)

// oddKeys are keys that something between a client and a handler likes to
// rewrite.
var oddKeys = []string{
	"a/b", "/", "//", "a//b", "/a/", "a%2Fb", "a%25b", "100%25", "100%", "%", "%%", "%zz", "%2e%2e",
	":", "a:b", "*", "[", "]", "_", " ", "a b", " a ", "+", "a+b", "?", "a?b=c", "#", "a#b", "&", "=", ";", ",", "a;b,c",
	"@", "!", "$", "'", "(", ")", "~", "^", "|", "\\", "\"", "<", ">", "`", "{", "}", "{key}",
	"...", "..a", "../a", "./a", "a/..", "entry", "a/entry", "😀", "👩‍👩‍👧", "日本", "é", "e\u0301", "\u00a0", "\u200b", "\ufeff",
	strings.Repeat("k", 1024), strings.Repeat("%", 1024),
}

// shelf is a server that keeps whatever bytes it is sent.
type shelf struct {
	api.Unimplemented

	mu     sync.Mutex
	values map[[2]string]stored
}

type stored struct {
	contentType string
	body        []byte
}

func (s *shelf) PutKey(w http.ResponseWriter, r *http.Request, table, key string, _ api.PutKeyParams) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[[2]string{table, key}] = stored{r.Header.Get("Content-Type"), body}
	w.WriteHeader(http.StatusNoContent)
}

func (s *shelf) GetKey(w http.ResponseWriter, _ *http.Request, table, key string, _ api.GetKeyParams) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[[2]string{table, key}]
	if !ok {
		http.NotFound(w, nil)
		return
	}
	w.Header().Set("Content-Type", v.contentType)
	w.Header().Set("ETag", `"7"`)
	w.Header().Set("Larder-Version", "7")
	w.Header().Set("Larder-Created-At", "2026-01-02T03:04:05.123456Z")
	_, _ = w.Write(v.body)
}

func (s *shelf) DeleteKey(w http.ResponseWriter, _ *http.Request, table, key string, _ api.DeleteKeyParams) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, [2]string{table, key})
	w.WriteHeader(http.StatusNoContent)
}

// GetExpiry has the key in the middle of its path; it answers the key.
func (s *shelf) GetExpiry(w http.ResponseWriter, _ *http.Request, table, key string) {
	_, _ = io.WriteString(w, table+"\n"+key)
}

// ListKeys answers what it was asked.
func (s *shelf) ListKeys(w http.ResponseWriter, _ *http.Request, _ string, params api.ListKeysParams) {
	echo(w, params)
}

// PatchKey answers its headers' parameters.
func (s *shelf) PatchKey(w http.ResponseWriter, _ *http.Request, _, _ string, params api.PatchKeyParams) {
	echo(w, params)
}

func echo(w http.ResponseWriter, params any) {
	if err := json.NewEncoder(w).Encode(params); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// newShelf starts a shelf whose routes lie under a prefix.
func newShelf(tb testing.TB, under string) (*shelf, *api.ClientWithResponses) {
	tb.Helper()
	s := &shelf{values: map[[2]string]stored{}}
	// Without this chi routes by the decoded path, and the generated code
	// decodes the key once more.
	rawPath := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.RawPath = r.URL.EscapedPath()
			next.ServeHTTP(w, r)
		})
	}
	routes := api.HandlerWithOptions(s, api.ChiServerOptions{BaseRouter: chi.NewRouter(), BaseURL: under})
	server := httptest.NewServer(rawPath(routes))
	tb.Cleanup(server.Close)
	client, err := api.NewClientWithResponses(server.URL+under, api.WithHTTPClient(server.Client()))
	if err != nil {
		tb.Fatal(err)
	}
	return s, client
}

func TestClientKeysRoundTrip(t *testing.T) {
	for _, under := range []string{"", "/deep/down"} {
		s, client := newShelf(t, under)
		for _, key := range oddKeys {
			put, err := client.PutKeyWithBodyWithResponse(t.Context(), "users", key, nil, "text/plain", strings.NewReader(key))
			if err != nil {
				t.Fatalf("put %q: %v", key, err)
			}
			if put.StatusCode() != http.StatusNoContent {
				t.Errorf("put %q: %s", key, put.Status())
			}
			if _, ok := s.values[[2]string{"users", key}]; !ok {
				t.Errorf("put %q arrived as another key", key)
			}
			got, err := client.GetKeyWithResponse(t.Context(), "users", key, nil)
			if err != nil {
				t.Fatalf("get %q: %v", key, err)
			}
			if string(got.Body) != key {
				t.Errorf("get %q gave %q", key, got.Body)
			}
			inside, err := client.GetExpiryWithResponse(t.Context(), "users", key)
			if err != nil {
				t.Fatalf("get the expiry of %q: %v", key, err)
			}
			if string(inside.Body) != "users\n"+key {
				t.Errorf("the expiry of %q was asked of %q", key, inside.Body)
			}
		}
		if len(s.values) != len(oddKeys) {
			t.Errorf("%d keys were kept of %d that were put", len(s.values), len(oddKeys))
		}
	}
}

func TestClientKeysRoundTripAtRandom(t *testing.T) {
	_, client := newShelf(t, "")
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringN(1, -1, 1024).
			Filter(func(k string) bool { return k != "." && k != ".." }).Draw(t, "key")
		got, err := client.GetExpiryWithResponse(t.Context(), "users", key)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Body) != "users\n"+key {
			t.Fatalf("%q arrived as %q", key, got.Body)
		}
	})
}

// No URL can name these keys, and no server takes them. What the client sends
// for them must not touch anything else.
func TestClientDotKeysReachNothing(t *testing.T) {
	s, client := newShelf(t, "")
	s.values[[2]string{"users", "ada"}] = stored{"text/plain", []byte("Ada")}
	before := maps.Clone(s.values)
	for _, key := range []string{"", ".", ".."} {
		put, err := client.PutKeyWithResponse(t.Context(), "users", key, nil, api.JSONValue("1"))
		if err != nil {
			t.Fatal(err)
		}
		deleted, err := client.DeleteKeyWithResponse(t.Context(), "users", key, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, status := range []int{put.StatusCode(), deleted.StatusCode()} {
			if status < 400 {
				t.Errorf("a write to the key %q was answered %d", key, status)
			}
		}
	}
	if len(s.values) != len(before) {
		t.Errorf("something was written or deleted: %v", s.values)
	}
}

func TestClientBytesRoundTrip(t *testing.T) {
	_, client := newShelf(t, "")
	body := make([]byte, 256)
	for i := range body {
		body[i] = byte(i)
	}
	const octets = "application/octet-stream"
	if _, err := client.PutKeyWithBodyWithResponse(t.Context(), "blobs", "b", nil, octets, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetKeyWithResponse(t.Context(), "blobs", "b", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Body, body) || got.ContentType() != octets {
		t.Errorf("got %q of type %s", got.Body, got.ContentType())
	}
}

func TestClientJSONRoundTrip(t *testing.T) {
	s, client := newShelf(t, "")
	for _, value := range []string{`null`, `0`, `""`, `9007199254740993`, `0.1000000000000000055511151231257827`, `{"a":[1,{"b":null}]}`, `"<é😀>"`} {
		// As JSON the client compacts and escapes, which changes the text
		// and not the value; as a body it leaves the text alone.
		if _, err := client.PutKeyWithBodyWithResponse(t.Context(), "docs", "d", nil, "application/json", strings.NewReader(value)); err != nil {
			t.Fatal(err)
		}
		got, err := client.GetKeyWithResponse(t.Context(), "docs", "d", nil)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Body) != value {
			t.Errorf("%s came back as %s", value, got.Body)
		}
		if got.JSON200 == nil || string(*got.JSON200) != value {
			t.Errorf("%s was decoded to %v", value, got.JSON200)
		}
		if got.Headers200 == nil || got.Headers200.LarderVersion == nil || *got.Headers200.LarderVersion != 7 {
			t.Errorf("%s came without its version: %+v", value, got.Headers200)
		}
		if at := time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC); got.Headers200.LarderCreatedAt == nil || !got.Headers200.LarderCreatedAt.Equal(at) {
			t.Errorf("%s was created at %v", value, got.Headers200.LarderCreatedAt)
		}
		if _, err := client.PutKeyWithResponse(t.Context(), "docs", "j", nil, api.JSONValue(value)); err != nil {
			t.Fatal(err)
		}
		if kept := s.values[[2]string{"docs", "j"}]; kept.contentType != "application/json" || len(kept.body) == 0 {
			t.Errorf("%s was kept as %s of type %s", value, kept.body, kept.contentType)
		}
	}
}

func TestClientQueryRoundTrips(t *testing.T) {
	_, client := newShelf(t, "")
	since := time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.FixedZone("", 2*60*60))
	for _, odd := range oddKeys {
		params := api.ListKeysParams{
			Prefix: &odd, Start: &odd, Delimiter: &odd, ModifiedSince: &since, KeysOnly: new(true), Limit: new(7),
			Filter: []string{"/age:gte:18", "/name:eq:" + odd, `/tier:in:["x","y"]`},
		}
		got, err := client.ListKeysWithResponse(t.Context(), "users", &params)
		if err != nil {
			t.Fatal(err)
		}
		var arrived api.ListKeysParams
		if err := json.Unmarshal(got.Body, &arrived); err != nil {
			t.Fatalf("with %q: %s: %v", odd, got.Body, err)
		}
		if !arrived.ModifiedSince.Equal(since) {
			t.Errorf("%v arrived as %v", since, arrived.ModifiedSince)
		}
		arrived.ModifiedSince = &since
		if !reflect.DeepEqual(arrived, params) {
			t.Errorf("a query with %q arrived as %s", odd, got.Body)
		}
	}
}

func TestClientHeadersRoundTrip(t *testing.T) {
	_, client := newShelf(t, "")
	for _, odd := range []string{`*`, `"7"`, `"7", "8"`, `W/"7"`, `""`, `a="100%25", b="x+y, z"`, `a;b=c`, `%`} {
		params := api.PatchKeyParams{IfMatch: &odd, IfNoneMatch: &odd, Prefer: &odd}
		got, err := client.PatchKeyWithBodyWithResponse(t.Context(), "users", "ada", &params, "application/merge-patch+json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		var arrived api.PatchKeyParams
		if err := json.Unmarshal(got.Body, &arrived); err != nil {
			t.Fatalf("with %q: %s: %v", odd, got.Body, err)
		}
		if !reflect.DeepEqual(arrived, params) {
			t.Errorf("headers of %q arrived as %s", odd, got.Body)
		}
	}
}
