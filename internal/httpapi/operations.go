package httpapi

import (
	"context"
	"net/http"
	"net/url"

	"larder/api"
	"larder/internal/store"
)

// Operations are the work that outlives requests.
type Operations interface {
	// Operation gives one; NotFound where there is none of that id.
	Operation(ctx context.Context, id string) (api.Operation, error)
	// Operations gives a page, the latest first, and where the next one begins, "" for
	// nowhere.
	Operations(ctx context.Context, after string, limit int) ([]api.Operation, string, error)
	// Cancel asks one to end.
	Cancel(ctx context.Context, id string) (api.Operation, error)
}

// ListOperations answers a page of operations.
func (a *API) ListOperations(w http.ResponseWriter, r *http.Request, params api.ListOperationsParams) {
	arguments := listArguments{"listOperations"}
	limit, err := a.pageLimit(params.Limit)
	var after, next string
	if err == nil {
		after, err = arguments.decode("cursor", deref(params.Cursor))
	}
	form := api.OperationPage{Items: []api.Operation{}}
	if err == nil {
		form.Items, next, err = a.options.Operations.Operations(r.Context(), after, limit)
	}
	if err != nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	if next != "" {
		form.NextCursor = arguments.encode(next)
		linkNext(w.Header(), r.URL, form.NextCursor)
	}
	writeJSON(w, jsonType, http.StatusOK, form)
}

// GetOperation answers one.
func (a *API) GetOperation(w http.ResponseWriter, r *http.Request, id string) {
	op, err := a.options.Operations.Operation(r.Context(), id)
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	writeJSON(w, jsonType, http.StatusOK, op)
}

// CancelOperation asks one to end.
func (a *API) CancelOperation(w http.ResponseWriter, r *http.Request, id string) {
	op, err := a.options.Operations.Cancel(r.Context(), id)
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	writeJSON(w, jsonType, http.StatusAccepted, op)
}

// begun answers that an operation has begun, and where it can be asked after.
func begun(w http.ResponseWriter, op api.Operation) {
	w.Header().Set("Location", "/operations/"+url.PathEscape(op.ID))
	writeJSON(w, jsonType, http.StatusAccepted, op)
}

// noOperations are those of a gateway that begins none.
type noOperations struct{}

func (noOperations) Operation(context.Context, string) (api.Operation, error) {
	return api.Operation{}, &store.Error{Code: store.NotFound, Detail: "there is no operation of this id"}
}

func (noOperations) Operations(context.Context, string, int) ([]api.Operation, string, error) {
	return []api.Operation{}, "", nil
}

func (n noOperations) Cancel(ctx context.Context, id string) (api.Operation, error) {
	return n.Operation(ctx, id)
}
