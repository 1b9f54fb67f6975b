package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// sink takes answers and keeps nothing.
type sink struct{ header http.Header }

func (s sink) Header() http.Header       { return s.header }
func (sink) WriteHeader(int)             {}
func (sink) Write(p []byte) (int, error) { return len(p), nil }

// getter gives what asks a handler for one entry.
func getter(t testing.TB, prefer string) (get func(), answer http.Header) {
	t.Helper()
	h := newHandler(t)
	put := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/tables/t/keys/k", strings.NewReader("1"))
	put.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, put); w.Code != http.StatusCreated {
		t.Fatalf("put: %d %s", w.Code, w.Body)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/tables/t/keys/k", http.NoBody)
	if prefer != "" {
		r.Header.Set("Prefer", prefer)
	}
	answer = make(http.Header)
	return func() {
		clear(answer)
		h.ServeHTTP(sink{answer}, r)
	}, answer
}

// TestTimingCostsNothingUnasked counts what a read of one entry allocates. That nobody asks
// what its time goes to is to cost nothing.
func TestTimingCostsNothingUnasked(t *testing.T) {
	const without = 8 // as it was before there was such a thing
	get, answer := getter(t, "")
	if allocs := testing.AllocsPerRun(1000, get); allocs > without || answer.Get("Server-Timing") != "" {
		t.Errorf("%v allocations, and the answer %v", allocs, answer)
	}
	timed, answer := getter(t, "timing")
	if timed(); answer.Get("Server-Timing") == "" {
		t.Errorf("who asks is answered %v", answer)
	}
}

func BenchmarkGet(b *testing.B) {
	for name, prefer := range map[string]string{"plain": "", "timed": "timing"} {
		b.Run(name, func(b *testing.B) {
			get, _ := getter(b, prefer)
			b.ReportAllocs()
			for b.Loop() {
				get()
			}
		})
	}
}
