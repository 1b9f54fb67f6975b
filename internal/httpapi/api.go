package httpapi

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"larder/api"
	"larder/internal/catalog"
	"larder/internal/store"
)

// Options are what a handler is made of. Store, Catalog, Status, Observer and
// Metrics are required.
type Options struct {
	Store    store.Store
	Catalog  *catalog.Catalog
	Status   Status
	Observer Observer
	Metrics  http.Handler // answers /metrics

	// Backend gives one of the backends behind Store by its name. nil: Store is the
	// only one.
	Backend func(name string) (store.Store, bool)

	// Routing tells and changes the routes of Store. nil: there is one, for all tables.
	Routing Routing

	// Backends changes which backends there are. nil: it can't be changed.
	Backends Backends

	// Promoting puts backends in the place of others. nil: there is one.
	Promoting Promoting
	// Copying copies tables between backends. nil: there is one.
	Copying Copying

	// Operations are the work that outlives requests. nil: there is none.
	Operations Operations

	// Repairing keeps secondaries up. nil: there are none.
	Repairing Repairing

	Logger      zerolog.Logger
	LogRequests LogRequests

	MaxBodyBytes   int64         // of a batch or another envelope; 16 MiB
	MaxStreams     int           // open at once; 1,024
	RequestTimeout time.Duration // of everything but streams and what asked to wait; 10 s
	Heartbeat      time.Duration // between two signs of life on a silent stream; 15 s
}

// Status is what the process around the handlers knows about itself.
type Status interface {
	Health(ctx context.Context) api.Health
	// Ready is nil while requests are welcome.
	Ready(ctx context.Context) error
	Stats(ctx context.Context) api.Stats
	Backends(ctx context.Context) []api.Backend
}

// Observer keeps count of requests. Operation is asked once for each operation
// when the handler is made, never while a request runs.
type Observer interface {
	Operation(name string) Observation
}

// Observation keeps count of one operation's requests.
type Observation interface {
	Observe(status int, took time.Duration, bytesIn, bytesOut int64)
	StreamOpened()
	StreamClosed()
}

// API is the handler of every route in the contract.
type API struct {
	store    store.Store
	catalog  *catalog.Catalog
	status   Status
	metrics  http.Handler
	log      zerolog.Logger
	options  Options
	limits   store.Limits
	router   chi.Router
	routes   routeTable
	streams  *streams
	upkeep   *upkeep
	contract contract
}

var (
	_ http.Handler        = (*API)(nil)
	_ api.ServerInterface = (*API)(nil)
)

// New makes the handler. It fails where a required option is missing, or the
// embedded contract can't be read.
func New(o Options) (*API, error) {
	switch {
	case o.Store == nil:
		return nil, errors.New("httpapi: Options.Store is missing")
	case o.Catalog == nil:
		return nil, errors.New("httpapi: Options.Catalog is missing")
	case o.Status == nil:
		return nil, errors.New("httpapi: Options.Status is missing")
	case o.Observer == nil:
		return nil, errors.New("httpapi: Options.Observer is missing")
	case o.Metrics == nil:
		return nil, errors.New("httpapi: Options.Metrics is missing")
	}
	o = o.withDefaults()
	a := &API{
		store: o.Store, catalog: o.Catalog, status: o.Status, metrics: o.Metrics,
		log: o.Logger, options: o, limits: o.Store.Info().Limits.WithDefaults(),
		streams: newStreams(o.MaxStreams), upkeep: newUpkeep(o.Logger),
	}
	var err error
	if a.contract, err = loadContract(); err != nil {
		return nil, err
	}
	a.routes = newRouteTable(a.contract.spec, o.Observer)
	a.router = a.newRouter()
	return a, nil
}

func (o Options) withDefaults() Options {
	if o.MaxBodyBytes == 0 {
		o.MaxBodyBytes = 16 << 20
	}
	if o.MaxStreams == 0 {
		o.MaxStreams = 1024
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = 10 * time.Second
	}
	if o.Backend == nil {
		only := o.Store
		o.Backend = func(name string) (store.Store, bool) { return only, name == only.Info().Name }
	}
	if o.Backends == nil {
		o.Backends = fixedBackends{}
	}
	if o.Operations == nil {
		o.Operations = noOperations{}
	}
	if o.Copying == nil {
		o.Copying = nowhere{}
	}
	if o.Repairing == nil {
		o.Repairing = noRepairs{}
	}
	if o.Promoting == nil {
		o.Promoting = nobody{}
	}
	if o.Routing == nil {
		o.Routing = onlyRoute{o.Store}
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	return o
}

// EndStreams ends every open stream and lets no new one begin, so that a
// server can be drained.
func (a *API) EndStreams() { a.streams.end() }

// Close ends the streams and the maintenance that requests have begun, and
// waits for both.
func (a *API) Close() error {
	var wg sync.WaitGroup
	wg.Go(a.streams.close)
	wg.Go(a.upkeep.close)
	wg.Wait()
	return nil
}
