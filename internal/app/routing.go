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
	return forms(routes), version
}

// PutRoutes implements [httpapi.Routing].
func (r routing) PutRoutes(ctx context.Context, wanted []api.Route, c httpapi.RoutesChange) ([]api.RouteMove, int64, error) {
	routes := make(router.Routes, len(wanted))
	for i, form := range wanted {
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
