package app

import (
	"context"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/router"
)

// routing is the book of routes as the contract has it.
type routing struct{ book *router.Book }

var _ httpapi.Routing = routing{}

// Routes implements [httpapi.Routing].
func (r routing) Routes() ([]api.Route, int64) {
	routes, version := r.book.Routes()
	forms := make([]api.Route, len(routes))
	for i, one := range routes {
		forms[i] = api.Route{Pattern: one.Pattern, Strategy: one.Strategy, Members: one.Members}
	}
	return forms, version
}

// PutRoutes implements [httpapi.Routing].
func (r routing) PutRoutes(ctx context.Context, forms []api.Route, c httpapi.RoutesChange) ([]api.RouteMove, int64, error) {
	routes := make(router.Routes, len(forms))
	for i, form := range forms {
		routes[i] = router.Route{Pattern: form.Pattern, Strategy: form.Strategy, Members: form.Members}
	}
	moves, version, err := r.book.Put(ctx, routes, router.Change(c))
	if err != nil {
		return nil, 0, err
	}
	told := make([]api.RouteMove, len(moves))
	for i, m := range moves {
		told[i] = api.RouteMove{Table: m.Table, From: m.From, To: m.To}
	}
	return told, version, nil
}
