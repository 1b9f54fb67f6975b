package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"larder/api"
	"larder/internal/store"
)

// newRouter routes what the generated code lists, and answers what it does not
// list as RFC 9110 has it.
func (a *API) newRouter() chi.Router {
	r := chi.NewRouter()
	r.NotFound(a.noRoute)
	r.MethodNotAllowed(a.noMethod)
	a.mountDocs(r)
	api.HandlerWithOptions(a, api.ChiServerOptions{
		BaseRouter:       r.With(a.enter),
		ErrorHandlerFunc: a.badParameter,
	})
	return r
}

func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	a.fail(w, r, nil, &store.Error{Code: routeNotFound, Detail: "larder answers the paths that /docs lists; a \"/\" within a key is written %2F"})
}

// methods are those a path can have; HEAD goes wherever GET does.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
	http.MethodPatch, http.MethodDelete,
}

// noMethod answers OPTIONS, and methods that a path does not have.
func (a *API) noMethod(w http.ResponseWriter, r *http.Request) {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	var allowed []string
	for _, method := range methods {
		if a.router.Match(chi.NewRouteContext(), method, path) {
			allowed = append(allowed, method)
		}
	}
	if slices.Contains(allowed, http.MethodGet) && !slices.Contains(allowed, http.MethodHead) {
		allowed = append(allowed, http.MethodHead)
	}
	allowed = append(allowed, http.MethodOptions)
	h := w.Header()
	h.Set("Allow", strings.Join(allowed, ", "))
	if r.Method != http.MethodOptions {
		a.fail(w, r, nil, &store.Error{Code: methodNotAllowed, Detail: "this path takes " + strings.Join(allowed, ", ")})
		return
	}
	if slices.Contains(allowed, http.MethodPatch) {
		accepts := mergePatchType + ", " + jsonPatchType
		if strings.HasPrefix(path, "/backends/") {
			accepts = jsonType
		}
		h.Set("Accept-Patch", accepts)
	}
	if slices.Contains(allowed, http.MethodPost) {
		h.Set("Accept-Post", jsonType)
	}
	w.WriteHeader(http.StatusNoContent)
}
