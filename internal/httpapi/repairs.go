package httpapi

import (
	"context"
	"net/http"

	"larder/api"
	"larder/internal/store"
)

// Repairing keeps secondaries up with their primaries.
type Repairing interface {
	// Repairs tells how that goes for each.
	Repairs(ctx context.Context) (api.RepairList, error)
	// Verify begins to compare secondaries with their primaries.
	Verify(ctx context.Context, wanted api.VerifyRequest) (api.Operation, error)
	// Replay begins to copy secondaries afresh.
	Replay(ctx context.Context, wanted api.ReplayRequest) (api.Operation, error)
}

// ListRepairs answers how secondaries are kept up.
func (a *API) ListRepairs(w http.ResponseWriter, r *http.Request) {
	all, err := a.options.Repairing.Repairs(r.Context())
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	writeJSON(w, jsonType, http.StatusOK, all)
}

// VerifySecondaries begins to compare secondaries with their primaries.
func (a *API) VerifySecondaries(w http.ResponseWriter, r *http.Request) {
	var wanted api.VerifyRequest
	err := a.decode(w, r, &wanted)
	var op api.Operation
	if err == nil {
		op, err = a.options.Repairing.Verify(r.Context(), wanted)
	}
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	begun(w, op)
}

// ReplaySecondaries begins to copy secondaries afresh.
func (a *API) ReplaySecondaries(w http.ResponseWriter, r *http.Request) {
	var wanted api.ReplayRequest
	err := a.decode(w, r, &wanted)
	var op api.Operation
	if err == nil {
		op, err = a.options.Repairing.Replay(r.Context(), wanted)
	}
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	begun(w, op)
}

// noRepairs are those of a gateway over one store.
type noRepairs struct{}

// Repairs gives none.
func (noRepairs) Repairs(context.Context) (api.RepairList, error) {
	return api.RepairList{Items: []api.Repair{}}, nil
}

// Verify can't.
func (noRepairs) Verify(context.Context, api.VerifyRequest) (api.Operation, error) {
	return api.Operation{}, noSecondaries()
}

// Replay can't.
func (noRepairs) Replay(context.Context, api.ReplayRequest) (api.Operation, error) {
	return api.Operation{}, noSecondaries()
}

func noSecondaries() error {
	return &store.Error{Code: store.Unsupported, Detail: "this gateway has one store, and no secondaries"}
}
