package httpapi

import (
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"larder/internal/store"
)

// LogRequests says which requests are logged; those that fail by the server's
// fault always are.
type LogRequests uint8

// The choices.
const (
	LogNone   LogRequests = iota
	LogErrors             // answered with 4xx too
	LogAll
)

// ServeHTTP gives every request an id, routes it, and accounts for it: a panic
// becomes a 500, and what happened is counted and, if asked for, logged.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	// Without this, generated handlers decode a key twice where its encoding
	// is not the one that Go would have chosen.
	r.URL.RawPath = r.URL.EscapedPath()
	joinLines(r.Header)

	x := exchanges.Get().(*exchange)
	x.begin(w, r)
	w.Header()["X-Request-Id"] = []string{x.id}
	x.route.Routes, x.route.RouteMethod = a.router, a.method(r)
	if prefersTiming(r.Header) {
		x.trace = store.NewTrace(start)
	}
	ctx := &requestContext{Context: r.Context(), route: x.route, began: start, trace: x.trace}
	defer a.account(x, r, start)
	defer ctx.release()
	if isSmuggling(r) {
		w.Header().Set("Connection", "close")
		a.fail(x, r, nil, invalidHeader("Content-Length", "a body's length is told by Content-Length or by Transfer-Encoding, not by both"))
		return
	}
	if ref, ok := a.shortcut(r); ok {
		x.op = a.routes.getKey
		limit(ctx, a.options.RequestTimeout)
		a.getKey(ctx, x, r, ref, nil)
		return
	}
	a.router.ServeHTTP(x, r.WithContext(ctx))
}

// method is the one that a request is routed by: HEAD goes where GET does,
// unless it has a route of its own.
func (a *API) method(r *http.Request) string {
	if r.Method == http.MethodHead && !a.router.Match(chi.NewRouteContext(), http.MethodHead, r.URL.RawPath) {
		return http.MethodGet
	}
	return r.Method
}

// account ends an exchange. Where a handler panicked in the midst of its
// answer the connection is cut, so that no client takes a part for the whole.
func (a *API) account(x *exchange, r *http.Request, start time.Time) {
	cause := recover()
	cut := cause == http.ErrAbortHandler
	if cause != nil && !cut {
		a.log.Error().Str("request_id", x.id).Any("panic", cause).Bytes("stack", debug.Stack()).Msg("a handler panicked")
		if cut = x.status != 0; !cut {
			a.fail(x, r, nil, &store.Error{Code: store.Internal})
		}
	}
	if x.op == nil {
		x.op = a.routes.of(x.route)
	}
	a.observe(x, r, x.op, time.Since(start)-x.atRest())
	if cut { // net/http ends the connection for it
		panic(http.ErrAbortHandler)
	}
	x.end()
}

// observe counts an exchange and, if asked for, logs it.
func (a *API) observe(x *exchange, r *http.Request, op *operation, took time.Duration) {
	status := x.status
	if status == 0 {
		status = http.StatusOK
	}
	op.observation.Observe(status, took, x.bytesIn(), x.bytesOut)
	if a.options.LogRequests == LogAll || a.options.LogRequests == LogErrors && status >= http.StatusBadRequest {
		a.log.Info().
			Str("request_id", x.id).Str("operation", op.name).Str("method", r.Method).
			Int("status", status).Str("code", string(x.code)).Dur("took_ms", took).
			Int64("bytes_in", x.bytesIn()).Int64("bytes_out", x.bytesOut).
			Msg("request")
	}
}

// exchange is one request and its answer, as far as it has to be accounted
// for. It is the http.ResponseWriter that handlers are given.
type exchange struct {
	http.ResponseWriter
	id       string
	status   int
	bytesOut int64
	body     *countedBody
	code     store.Code // of the problem that was answered
	route    *chi.Context
	op       *operation   // nil: as it was routed
	trace    *store.Trace // nil: nobody asked for timings
	rest     time.Duration
	resting  time.Time // since when; zero: at work
}

// pause begins time that the request spends as its client wishes, waiting for
// changes or holding a stream open: nobody's latency.
func (x *exchange) pause() { x.resting = time.Now() }

// resume ends it.
func (x *exchange) resume() {
	if !x.resting.IsZero() {
		x.rest += time.Since(x.resting)
		x.resting = time.Time{}
	}
}

// atRest is all such time, up to now.
func (x *exchange) atRest() time.Duration {
	x.resume()
	return x.rest
}

// exchanges are used again: with what routing needs, one is larger than most
// requests.
var exchanges = sync.Pool{New: func() any { return &exchange{route: chi.NewRouteContext()} }}

func (x *exchange) begin(w http.ResponseWriter, r *http.Request) {
	x.ResponseWriter, x.id = w, requestID(r.Header)
	if r.ContentLength != 0 {
		x.body = &countedBody{ReadCloser: r.Body}
		r.Body = x.body
	}
}

// end gives the exchange to the next request.
func (x *exchange) end() {
	x.route.Reset()
	*x = exchange{route: x.route}
	exchanges.Put(x)
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader notes the status, and tells what the time went to by then.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
		x.tellTiming()
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts what is written.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
		x.tellTiming()
	}
	n, err := x.ResponseWriter.Write(p)
	x.bytesOut += int64(n)
	return n, err
}

func (x *exchange) bytesIn() int64 {
	if x.body == nil {
		return 0
	}
	return x.body.read
}

// countedBody counts what has been read of a request's body.
type countedBody struct {
	io.ReadCloser
	read int64
}

// Read reads and counts.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}

// exchangeOf finds the exchange behind what a handler was given.
func exchangeOf(w http.ResponseWriter) *exchange {
	for {
		switch v := w.(type) {
		case *exchange:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return &exchange{ResponseWriter: w}
		}
	}
}
