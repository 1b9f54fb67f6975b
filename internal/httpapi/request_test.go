package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/api"
	"larder/internal/catalog"
	"larder/internal/httpapi"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
)

// requests are such as the contract has them, one of each kind at least.
func requests() []string {
	return []string{
		"GET /tables?limit=1", "GET /tables/t", "PUT /tables/t\n\n{\"default_ttl_seconds\":60}", "DELETE /tables/t?confirm=t",
		"PUT /tables/t/keys/k?ttl_seconds=60\nIf-None-Match: *\nLarder-Metadata: a=\"b\"\n\n{\"n\":1}", "GET /tables/t/keys/k\nIf-None-Match: \"1\", W/\"2\"",
		"PUT /tables/t/keys/a%2Fb\nContent-Type: application/octet-stream\n\nx", "HEAD /tables/t/keys/k\nLarder-Min-Version: 1\nCache-Control: no-cache",
		"PATCH /tables/t/keys/k\nContent-Type: application/merge-patch+json\nPrefer: return=representation\n\n{\"n\":null}",
		"PATCH /tables/t/keys/k\nContent-Type: application/json-patch+json\n\n[{\"op\":\"add\",\"path\":\"/a\",\"value\":[1]}]",
		"DELETE /tables/t/keys/k\nIf-Match: \"1\"", "GET /tables/t/keys/k/entry", "PUT /tables/t/keys/k/entry\n\n{\"value\":\"YQ==\",\"encoding\":\"base64\",\"metadata\":{\"a\":\"b\"}}",
		"GET /tables/t/keys/k/expiry", "PUT /tables/t/keys/k/expiry\n\n{\"expires_at\":\"2030-01-02T03:04:05Z\"}", "DELETE /tables/t/keys/k/expiry",
		"POST /tables/t/keys/n/increment\n\n{\"delta\":1e2,\"initial\":0,\"path\":\"/a\",\"min\":-1,\"max\":5}",
		"GET /tables/t/keys?prefix=a&start=b&end=c&reverse=true&delimiter=/&keys_only=true&limit=2", "GET /tables/t/keys?filter=/n:gte:1&filter=$key:prefix:k\nAccept: application/x-ndjson",
		"GET /tables/t/keys?modified_since=2026-01-02T03:04:05Z", "GET /tables/t/keys?expiring_before=2030-01-02T03:04:05Z&cursor=AYF0YQ", "DELETE /tables/t/keys?prefix=k&dry_run=true&max_affected=3",
		"POST /tables/t/query\n\n{\"filter\":{\"or\":[{\"path\":\"\",\"op\":\"eq\",\"value\":null},{\"not\":{\"path\":\"/n\",\"op\":\"in\",\"value\":[1,\"a\"]}}]},\"sort\":[{\"path\":\"$version\",\"order\":\"desc\"}],\"select\":[\"/n\"],\"limit\":3,\"offset\":1}",
		"POST /tables/t/count\n\n{\"filter\":{\"path\":\"/s\",\"op\":\"like\",\"value\":\"a%_\\\\%\"}}",
		"GET /tables/t/indexes", "PUT /tables/t/indexes/i\n\n{\"fields\":[{\"path\":\"/n\",\"type\":\"number\"}],\"unique\":true}", "DELETE /tables/t/indexes/i",
		"GET /tables/t/changes?since=AYF0YQ&prefix=k\nPrefer: wait=1", "GET /tables/t/changes\nAccept: text/event-stream\nLast-Event-ID: x", "GET /tables/t/changes\nAccept: application/x-ndjson, */*;q=0.1",
		"POST /batch\nPrefer: return=representation\n\n{\"atomic\":true,\"dry_run\":true,\"operations\":[{\"op\":\"put\",\"table\":\"t\",\"key\":\"k\",\"value\":1,\"if_version\":1},{\"op\":\"get\",\"table\":\"t\",\"key\":\"x\"}]}",
		"POST /batch\n\n{\"operations\":[{\"op\":\"patch\",\"table\":\"t\",\"key\":\"k\",\"patch_type\":\"merge\",\"patch\":{}},{\"op\":\"increment\",\"table\":\"t\",\"key\":\"n\",\"delta\":1},{\"op\":\"expire\",\"table\":\"t\",\"key\":\"k\",\"ttl_seconds\":1},{\"op\":\"check\",\"table\":\"t\",\"key\":\"k\",\"if_absent\":true}]}",
		"GET /backends/model", "GET /stats", "GET /health", "GET /livez", "GET /readyz", "GET /metrics", "POST /maintenance\n\n{\"action\":\"cleanup\"}", "POST /sql\n\n{\"sql\":\"select $1\",\"params\":[1],\"read_only\":false}",
		"GET /openapi.json\nRange: bytes=1-5", "GET /docs", "OPTIONS /batch", "TRACE /tables/t/keys/..", "GET /tables/t/keys/%2e%2e", "GET /tables/%5f/keys/%00",
	}
}

// FuzzRequest sends anything at all through the handlers: the first line, then
// headers, then after an empty line a body. Nothing may panic, and no fault of
// the server's may show but that there is no such capability or no capacity.
func FuzzRequest(f *testing.F) {
	for _, r := range requests() {
		f.Add(r)
	}
	h := newHandler(f)
	f.Fuzz(func(t *testing.T, text string) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond) // for streams
		defer cancel()
		req := parse(ctx, text)
		if req == nil {
			return
		}
		w := &recorder{httptest.NewRecorder()}
		cut := serve(h, w, req)
		allowed := []int{http.StatusNotImplemented, http.StatusServiceUnavailable}
		if strings.Contains(strings.ToLower(strings.Join(req.Header["Cache-Control"], ",")), "only-if-cached") {
			allowed = append(allowed, http.StatusGatewayTimeout)
		}
		if w.Code >= http.StatusInternalServerError && !slices.Contains(allowed, w.Code) || cut && ctx.Err() == nil {
			t.Fatalf("%d, cut off %v: %s", w.Code, cut, w.Body)
		}
		if w.Code < http.StatusBadRequest || w.Body.Len() == 0 || req.URL.Path == "/health" || w.Code == http.StatusRequestedRangeNotSatisfiable {
			return
		}
		var p api.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Code == "" {
			t.Fatalf("%d %s is no problem: %v", w.Code, w.Body, err)
		}
	})
}

func newHandler(tb testing.TB) http.Handler {
	tb.Helper()
	s := storetest.NewModel(storetest.ModelOptions{Limits: store.Limits{MaxValueBytes: 10_000}})
	tables, err := catalog.Open(context.WithoutCancel(tb.Context()), s, catalog.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	h, err := httpapi.New(httpapi.Options{
		Store: s, Catalog: tables, Status: gateway.NewLife(s), Observer: gateway.NewRequests(),
		Metrics: http.NotFoundHandler(), MaxBodyBytes: 100_000,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		for _, end := range []func() error{h.Close, tables.Close, s.Close} {
			if err := end(); err != nil {
				tb.Error(err)
			}
		}
	})
	return h
}

// parse makes a request of a text as a server would; nil where it would not.
func parse(ctx context.Context, text string) *http.Request {
	head, body, _ := strings.Cut(text, "\n\n")
	first, headers, _ := strings.Cut(head, "\n")
	var b bytes.Buffer
	b.WriteString(first + " HTTP/1.1\r\nHost: larder\r\n")
	if !strings.Contains(headers, "Content-Type:") && body != "" {
		b.WriteString("Content-Type: application/json\r\n")
	}
	for line := range strings.SplitSeq(headers, "\n") {
		if line != "" && !strings.HasPrefix(strings.ToLower(line), "transfer-encoding") && !strings.HasPrefix(strings.ToLower(line), "content-length") {
			b.WriteString(line + "\r\n")
		}
	}
	b.WriteString("\r\n")
	req, err := http.ReadRequest(bufio.NewReader(&b))
	if err != nil || strings.HasPrefix(req.URL.Path, "/metrics") {
		return nil
	}
	sent, err := http.NewRequestWithContext(ctx, req.Method, "/", strings.NewReader(body))
	if err != nil {
		return nil
	}
	sent.URL, sent.Header, sent.RequestURI = req.URL, req.Header, req.RequestURI
	return sent
}

// serve says whether the handler gave up midway.
func serve(h http.Handler, w http.ResponseWriter, req *http.Request) (cut bool) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause != http.ErrAbortHandler {
				panic(cause)
			}
			cut = true
		}
	}()
	h.ServeHTTP(w, req)
	return false
}

// recorder takes deadlines, as a connection does.
type recorder struct{ *httptest.ResponseRecorder }

func (*recorder) SetWriteDeadline(time.Time) error { return nil }

func (r *recorder) FlushError() error { r.Flush(); return nil }

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseRecorder }
