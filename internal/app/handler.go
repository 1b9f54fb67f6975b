package app

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"larder/internal/catalog"
	"larder/internal/config"
	"larder/internal/httpapi"
	"larder/internal/store"
	"larder/internal/telemetry"
)

// handler answers requests and can be told that the end is near.
type handler interface {
	http.Handler
	EndStreams()
}

// newHandler builds what answers requests from the store.
func (a *App) newHandler(ctx context.Context, s store.Store, figures *telemetry.Backends, put *cleanups) (handler, error) {
	tables, err := catalog.Open(ctx, s, catalog.Options{Logger: a.log})
	if err != nil {
		return nil, err
	}
	put.later("catalog", tables.Close)
	h, err := httpapi.New(httpapi.Options{
		Store:    s,
		Catalog:  tables,
		Status:   &status{app: a, primary: &probe{store: s}, figures: figures},
		Observer: observer{a.requests},
		Metrics:  promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}),

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
