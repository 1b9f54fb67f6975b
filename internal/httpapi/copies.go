package httpapi

import (
	"context"
	"net/http"

	"larder/api"
	"larder/internal/store"
)

// Copying copies tables between backends.
type Copying interface {
	// Copy begins to. Nothing in the request that may be left out is.
	Copy(ctx context.Context, c api.CopyRequest) (api.Operation, error)
}

// CopyTables begins to copy tables to another backend.
func (a *API) CopyTables(w http.ResponseWriter, r *http.Request) {
	var form api.CopyRequest
	err := a.decode(w, r, &form)
	if form.Tables == "" {
		form.Tables = "*"
	}
	if form.Conflict == "" {
		form.Conflict = api.CopyConflictRefuse
	}
	if err == nil && !form.Conflict.Valid() {
		err = invalidBody("/conflict", "conflict is refuse or newer, not %q", string(form.Conflict))
	}
	var op api.Operation
	if err == nil {
		op, err = a.options.Copying.Copy(r.Context(), form)
	}
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	begun(w, op)
}

// nowhere is where a gateway over one store copies to.
type nowhere struct{}

// Copy can't.
func (nowhere) Copy(context.Context, api.CopyRequest) (api.Operation, error) {
	return api.Operation{}, &store.Error{Code: store.Unsupported, Detail: "this gateway has one store, and nowhere to copy to"}
}
