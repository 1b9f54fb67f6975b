package httpapi

import (
	"context"
	"net/http"

	"larder/api"
	"larder/internal/store"
)

// Routing is which tables are stored how.
type Routing interface {
	// Routes gives the routes that count, and the version of those that were put, 0
	// for those of the settings.
	Routes() (routes []api.Route, version int64)
	// PutRoutes replaces them.
	PutRoutes(ctx context.Context, routes []api.Route, c RoutesChange) (moves []api.RouteMove, version int64, err error)
}

// RoutesChange says how.
type RoutesChange struct {
	If     store.Precondition // on those that were put
	DryRun bool
	Moves  bool // tables with entries may get another primary
}

// GetRoutes answers the routes.
func (a *API) GetRoutes(w http.ResponseWriter, r *http.Request) {
	routes, version := a.options.Routing.Routes()
	if version > 0 {
		setVersion(w.Header(), version)
	}
	writeJSON(w, jsonType, http.StatusOK, api.RouteTable{Routes: routes})
}

// PutRoutes replaces the routes.
func (a *API) PutRoutes(w http.ResponseWriter, r *http.Request, params api.PutRoutesParams) {
	changed, version, err := a.putRoutes(w, r, params)
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	if version > 0 {
		setVersion(w.Header(), version)
	}
	writeJSON(w, jsonType, http.StatusOK, changed)
}

func (a *API) putRoutes(w http.ResponseWriter, r *http.Request, params api.PutRoutesParams) (api.RoutesChanged, int64, error) {
	c := RoutesChange{DryRun: deref(params.DryRun)}
	switch moves := deref(params.Moves); moves {
	case "", api.PutRoutesParamsMovesRefused:
	case api.PutRoutesParamsMovesAllowed:
		c.Moves = true
	default:
		return api.RoutesChanged{}, 0, invalidParameter("moves", "moves is refused or allowed, not %q", string(moves))
	}
	var err error
	if c.If, err = precondition(r.Header); err != nil {
		return api.RoutesChanged{}, 0, err
	}
	var form api.RouteTable
	if err := a.decode(w, r, &form); err != nil {
		return api.RoutesChanged{}, 0, err
	}
	moves, version, err := a.options.Routing.PutRoutes(r.Context(), form.Routes, c)
	if err != nil {
		return api.RoutesChanged{}, 0, err
	}
	return api.RoutesChanged{Routes: form.Routes, Moves: moves}, version, nil
}

// onlyRoute is the routing of a gateway over one store, which has nothing to route.
type onlyRoute struct{ store store.Store }

// Routes gives the one.
func (o onlyRoute) Routes() ([]api.Route, int64) {
	return []api.Route{{Pattern: "*", Strategy: "primary-only", Members: []string{o.store.Info().Name}}}, 0
}

// PutRoutes can't.
func (o onlyRoute) PutRoutes(context.Context, []api.Route, RoutesChange) ([]api.RouteMove, int64, error) {
	return nil, 0, &store.Error{Code: store.Unsupported, Detail: "this gateway has one store, and no other routes"}
}
