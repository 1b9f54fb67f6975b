package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"larder/internal/catalog"
	"larder/internal/config"
	"larder/internal/httpapi"
	"larder/internal/operation"
	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/telemetry"
)

// handler answers requests and can be told that the end is near.
type handler interface {
	http.Handler
	EndStreams()
}

// newHandler builds what answers requests from the store.
func (a *App) newHandler(ctx context.Context, s store.Store, tells *status, put *cleanups) (handler, error) {
	tables, err := a.openCatalog(ctx, s)
	if err != nil {
		return nil, err
	}
	put.later("catalog", tables.Close)
	instance := rand.Text()
	roster := router.OpenRoster(ctx, router.RosterOptions{
		Store: s, Alone: tells.alone, Instance: instance, Name: a.cfg.Listen, Logger: a.log,
	})
	put.later("roster", roster.Close)
	listing, err := router.OpenListing(ctx, router.ListingOptions{Router: tells.router, Take: tells.additions.take, Pause: openEvery, Logger: a.log})
	if err != nil {
		return nil, err
	}
	put.later("backends", listing.Close)
	book, err := router.OpenBook(ctx, router.BookOptions{
		Router: tells.router, Members: tells.members.names, Refuse: tells.members.refuse, Default: tells.router.Routes(), Build: tells.strategies.lanes, Listing: listing,
		Trusted: roster.Trusted, Logger: a.log,
	})
	if err != nil {
		return nil, err
	}
	put.later("routes", book.Close)
	roster.Follow(book)
	tells.additions.use(func(name string) { tells.arrived(name, book) })
	tells.members.awaitAll(func(name string) { tells.arrived(name, book) })
	put.later("absent backends", tells.members.endAwaiting)
	compares := comparing{members: tells.members, line: tells.line, book: book}
	copies := copying{app: a, members: tells.members, book: book, roster: roster}
	repairs := repairs{strategies: tells.strategies, store: s}
	runner, err := operation.New(operation.Options{
		Store: s, Instance: instance, Logger: a.log,
		Kinds: map[string]operation.Kind{
			comparison: compares.compare, copyKind: copies.copy, verification: repairs.verify, replaying: repairs.replay,
		},
	})
	if err != nil {
		return nil, err
	}
	put.later("operations", runner.Close)
	put.later("copies", copies.tidy(runner))
	h, err := httpapi.New(httpapi.Options{
		Store:      s,
		Catalog:    tables,
		Status:     tells,
		Backend:    tells.backend,
		Routing:    routing{book},
		Backends:   &administration{additions: tells.additions, members: tells.members, status: tells, listing: listing, book: book},
		Promoting:  promoting{members: tells.members, line: tells.line, strategies: tells.strategies, book: book, runner: runner},
		Copying:    copyRequests{copies, runner},
		Operations: operations{runner},
		Repairing:  repairing{repairs, runner, tells.line},
		Observer:   observer{a.requests},
		Metrics:    promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}),

		Logger:      a.log,
		LogRequests: logRequests(a.cfg.LogRequests),

		MaxBodyBytes:   int64(a.cfg.MaxBodyBytes),
		MaxStreams:     a.cfg.MaxStreams,
		RequestTimeout: a.cfg.RequestTimeout,
	})
	if err != nil {
		return nil, err
	}
	put.later("handlers", h.Close)
	return h, nil
}

// tryAgainAfter lies between two tries to reach a store at the start.
const tryAgainAfter = 250 * time.Millisecond

// openCatalog is the first to read from the store, and waits until it can be reached:
// there are stores that open before that.
func (a *App) openCatalog(ctx context.Context, s store.Store) (*catalog.Catalog, error) {
	defer a.life.await("")
	told := false
	for {
		tables, err := catalog.Open(ctx, s, catalog.Options{Logger: a.log})
		if code := store.CodeOf(err); code != store.Unavailable && code != store.Timeout {
			return tables, err
		}
		a.life.await(failure(err))
		if !told {
			a.log.Warn().Err(err).Msg("the backend does not serve yet; larder waits for it")
			told = true
		}
		select {
		case <-time.After(tryAgainAfter):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// observer counts requests for httpapi.
type observer struct{ requests *telemetry.Requests }

// Operation gives the counter of an operation.
func (o observer) Operation(name string) httpapi.Observation { return o.requests.Operation(name) }

func logRequests(which config.LogRequests) httpapi.LogRequests {
	switch which {
	case config.LogAllRequests:
		return httpapi.LogAll
	case config.LogFailedRequests:
		return httpapi.LogErrors
	default:
		return httpapi.LogNone
	}
}
