package httpapi

import (
	"context"
	"net/http"

	"larder/api"
	"larder/internal/store"
)

// Promoting puts backends in the place of others.
type Promoting interface {
	// Promote has a backend decide in the place of primaries that are gone.
	Promote(ctx context.Context, name string, c PromotionChange) (api.Promotion, error)
	// Compare begins to bring one whose place was taken together again with its successor.
	Compare(ctx context.Context, name string, dryRun bool) (api.Operation, error)
}

// PromotionChange says how.
type PromotionChange struct {
	DryRun bool // say what would change, and change nothing
	Force  bool // although it may lack what its primary had
}

// PromoteBackend puts a backend in the place of primaries that are gone.
func (a *API) PromoteBackend(w http.ResponseWriter, r *http.Request, name string, params api.PromoteBackendParams) {
	told, err := a.options.Promoting.Promote(r.Context(), name, PromotionChange{DryRun: deref(params.DryRun), Force: deref(params.Force)})
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	writeJSON(w, jsonType, http.StatusOK, told)
}

// CompareBackend begins to compare a backend with the one that took its place.
func (a *API) CompareBackend(w http.ResponseWriter, r *http.Request, name string, params api.CompareBackendParams) {
	op, err := a.options.Promoting.Compare(r.Context(), name, deref(params.DryRun))
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	begun(w, op)
}

// nobody is promoted in a gateway over one store.
type nobody struct{}

// Promote can't.
func (nobody) Promote(context.Context, string, PromotionChange) (api.Promotion, error) {
	return api.Promotion{}, &store.Error{Code: store.Unsupported, Detail: "this gateway has one store, and nobody to put in its place"}
}

// Compare can't.
func (nobody) Compare(context.Context, string, bool) (api.Operation, error) {
	return api.Operation{}, &store.Error{Code: store.Unsupported, Detail: "this gateway has one store, and nobody has taken its place"}
}
