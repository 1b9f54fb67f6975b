package httpapi

import (
	"net/http"

	"larder/api"
	"larder/internal/store"
)

// DeleteKeys deletes a range of keys.
func (a *API) DeleteKeys(w http.ResponseWriter, r *http.Request, table string, params api.DeleteKeysParams) {
	removal, err := a.newRemoval(table, params)
	if err != nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	n, err := store.DeleteRange(r.Context(), a.store, removal)
	if err != nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	writeJSON(w, jsonType, http.StatusOK, api.DeletedCount{Deleted: n, DryRun: removal.DryRun})
}

func (a *API) newRemoval(table string, params api.DeleteKeysParams) (store.Removal, error) {
	if err := userTable(table); err != nil {
		return store.Removal{}, err
	}
	removal := store.Removal{
		Table: table, Prefix: deref(params.Prefix), Start: deref(params.Start), End: deref(params.End),
		Most: deref(params.MaxAffected), DryRun: deref(params.DryRun),
	}
	if params.MaxAffected != nil && removal.Most < 1 {
		return store.Removal{}, invalidParameter("max_affected", "max_affected is at least 1")
	}
	if removal.Prefix == "" && !removal.DryRun {
		if err := confirmed(params.Confirm, table, "without a prefix this deletes keys all over the table"); err != nil {
			return store.Removal{}, err
		}
	}
	if a.catalog.Of(table).RequirePreconditions {
		return store.Removal{}, &store.Error{Code: store.PreconditionRequired, Detail: "this table takes writes with a precondition only, and many deletions can't have one"}
	}
	return removal, nil
}

// confirmed holds a confirmation against the table that it has to name.
func confirmed(given *string, table, why string) error {
	if given != nil && *given == table {
		return nil
	}
	return inParameter("confirm", &store.Error{Code: confirmationRequired, Detail: why + "; say confirm=" + table + " if that is meant"})
}
