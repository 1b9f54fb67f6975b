package httpapi

import (
	"context"
	"net/http"
	"net/url"

	"larder/api"
	"larder/internal/store"
)

// Backends adds, changes and removes backends while the gateway serves.
type Backends interface {
	// Version is of what is kept of a backend, 0 where nothing is.
	Version(name string) int64
	// Put adds one, or gives one that was added another URL.
	Put(ctx context.Context, name, url string, c BackendChange) (BackendChanged, error)
	// Patch says what one is used for.
	Patch(ctx context.Context, name string, use api.BackendUse, c BackendChange) (BackendChanged, error)
	// Delete removes one.
	Delete(ctx context.Context, name string, c BackendChange) error
}

// BackendChange says how.
type BackendChange struct {
	If     store.Precondition // on what is kept
	DryRun bool               // say whether it could be done, and change nothing
}

// BackendChanged is a backend as it is then.
type BackendChanged struct {
	Backend api.Backend
	Version int64 // of what is kept, 0 where nothing is
	Created bool
}

// PutBackend adds a backend.
func (a *API) PutBackend(w http.ResponseWriter, r *http.Request, name string, params api.PutBackendParams) {
	var form api.BackendWrite
	a.changeBackend(w, r, name, deref(params.DryRun), &form, func(c BackendChange) (BackendChanged, error) {
		return a.options.Backends.Put(r.Context(), name, form.URL, c)
	})
}

// PatchBackend says what a backend is used for.
func (a *API) PatchBackend(w http.ResponseWriter, r *http.Request, name string, params api.PatchBackendParams) {
	var form api.BackendPatch
	a.changeBackend(w, r, name, deref(params.DryRun), &form, func(c BackendChange) (BackendChanged, error) {
		if !form.State.Valid() {
			return BackendChanged{}, invalidBody("/state", "state is active, draining or disabled, not %q", string(form.State))
		}
		return a.options.Backends.Patch(r.Context(), name, form.State, c)
	})
}

// changeBackend reads a change, makes it, and answers what the backend is then.
func (a *API) changeBackend(w http.ResponseWriter, r *http.Request, name string, dryRun bool, form any, change func(BackendChange) (BackendChanged, error)) {
	only, err := precondition(r.Header)
	if err == nil {
		err = a.decode(w, r, form)
	}
	var changed BackendChanged
	if err == nil {
		changed, err = change(BackendChange{If: only, DryRun: dryRun})
	}
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	if changed.Version > 0 {
		setVersion(w.Header(), changed.Version)
	}
	status := http.StatusOK
	if changed.Created {
		status = http.StatusCreated
		w.Header().Set("Location", "/backends/"+url.PathEscape(name))
	}
	changed.Backend.Maintenance = a.upkeep.last(name)
	writeJSON(w, jsonType, status, changed.Backend)
}

// DeleteBackend removes a backend.
func (a *API) DeleteBackend(w http.ResponseWriter, r *http.Request, name string, params api.DeleteBackendParams) {
	only, err := precondition(r.Header)
	if err == nil {
		err = a.options.Backends.Delete(r.Context(), name, BackendChange{If: only, DryRun: deref(params.DryRun)})
	}
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// fixedBackends are those of a gateway over one store.
type fixedBackends struct{}

// Version is none.
func (fixedBackends) Version(string) int64 { return 0 }

// Put can't.
func (fixedBackends) Put(context.Context, string, string, BackendChange) (BackendChanged, error) {
	return BackendChanged{}, onlyBackend()
}

// Patch can't.
func (fixedBackends) Patch(context.Context, string, api.BackendUse, BackendChange) (BackendChanged, error) {
	return BackendChanged{}, onlyBackend()
}

// Delete can't.
func (fixedBackends) Delete(context.Context, string, BackendChange) error { return onlyBackend() }

func onlyBackend() error {
	return &store.Error{Code: store.Unsupported, Detail: "this gateway has one store, and no other backends"}
}
