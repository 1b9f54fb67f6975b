// Package gateway serves a store over HTTP for a test, with the handlers and a
// server set up as larder itself sets them up.
//
//	g := gateway.Start(t, storetest.NewModel(storetest.ModelOptions{}), gateway.Options{})
//	resp, err := http.Get(g.URL + "/tables/users/keys/ada")
package gateway

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/catalog"
	"larder/internal/httpapi"
	"larder/internal/store"
)

// Options set a gateway up; the zero value serves as larder does by default.
type Options struct {
	HTTP        httpapi.Options // what it requires is filled in where it is missing
	ReadTimeout time.Duration   // of a whole request, its body included; 0: none
}

// Gateway is a server over a store. Ending the test closes it, but not the
// store, which is whoever's opened it.
type Gateway struct {
	URL      string // without a slash at the end
	API      *httpapi.API
	Catalog  *catalog.Catalog
	Life     *Life
	Requests *Requests
	Log      *Log

	server *httptest.Server
	once   sync.Once
	err    error
}

// Start serves s until the test ends.
func Start(t testing.TB, s store.Store, o Options) *Gateway {
	t.Helper()
	g := &Gateway{Life: NewLife(s), Requests: NewRequests(), Log: &Log{}}
	logger := zerolog.New(g.Log)
	var err error
	if g.Catalog, err = catalog.Open(context.WithoutCancel(t.Context()), s, catalog.Options{Logger: logger}); err != nil {
		t.Fatal(err)
	}
	h := o.HTTP
	h.Store, h.Catalog, h.Logger = s, g.Catalog, logger
	if h.Status == nil {
		h.Status = g.Life
	}
	if h.Observer == nil {
		h.Observer = g.Requests
	}
	if h.Metrics == nil {
		h.Metrics = http.HandlerFunc(metrics)
	}
	if g.API, err = httpapi.New(h); err != nil {
		t.Fatal(err)
	}
	g.serve(t, o)
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Errorf("close the gateway: %v", err)
		}
	})
	return g
}

func (g *Gateway) serve(t testing.TB, o Options) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	// net/http adds 4 KiB to MaxHeaderBytes, which makes 16.
	g.server = &httptest.Server{
		Listener: httpapi.Tap(listener),
		Config: &http.Server{
			Handler: g.API, ConnContext: httpapi.ConnContext, ConnState: httpapi.ConnState,
			MaxHeaderBytes: 12 << 10, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: o.ReadTimeout,
		},
	}
	g.server.Start()
	g.URL = g.server.URL
}

// Address is where the server listens.
func (g *Gateway) Address() string { return g.server.Listener.Addr().String() }

// Server is the server itself, for those who want to shut it down.
func (g *Gateway) Server() *http.Server { return g.server.Config }

// Close ends the streams, drains the server, and frees everything but the
// store. It may be called again.
func (g *Gateway) Close() error {
	g.once.Do(func() {
		g.API.EndStreams()
		g.server.Close()
		g.err = g.API.Close()
		if err := g.Catalog.Close(); g.err == nil {
			g.err = err
		}
	})
	return g.err
}

// metrics stands in for the process' figures.
func metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte("# TYPE larder_up gauge\nlarder_up 1\n")) // the client is gone; there is nobody to tell
}
