package httpapi

import (
	"net/http"
	"slices"

	"larder/api"
	"larder/internal/store"
)

// GetHealth answers how the process and its backends are.
func (a *API) GetHealth(w http.ResponseWriter, r *http.Request) {
	health := a.status.Health(r.Context())
	status := http.StatusOK
	if health.Status != api.HealthStatusRunning {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, jsonType, status, health)
}

// GetLivez answers as long as the process can answer at all.
func (a *API) GetLivez(w http.ResponseWriter, _ *http.Request) { writeText(w, "ok\n") }

// GetReadyz answers whether requests are welcome.
func (a *API) GetReadyz(w http.ResponseWriter, r *http.Request) {
	if err := a.status.Ready(r.Context()); err != nil {
		a.fail(w, r, nil, err)
		return
	}
	writeText(w, "ok\n")
}

// GetMetrics answers in the form that Prometheus reads.
func (a *API) GetMetrics(w http.ResponseWriter, r *http.Request) { a.metrics.ServeHTTP(w, r) }

// GetStats answers this process's figures.
func (a *API) GetStats(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, jsonType, http.StatusOK, a.status.Stats(r.Context()))
}

// ListBackends answers what stores, and how it fares.
func (a *API) ListBackends(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, jsonType, http.StatusOK, api.BackendList{Items: a.backends(r)})
}

// GetBackend answers one backend.
func (a *API) GetBackend(w http.ResponseWriter, r *http.Request, name string) {
	all := a.backends(r)
	i := slices.IndexFunc(all, func(b api.Backend) bool { return b.Name == name })
	if i < 0 {
		a.fail(w, r, rawPlaces, noBackend())
		return
	}
	if version := a.options.Backends.Version(name); version > 0 {
		setVersion(w.Header(), version)
	}
	writeJSON(w, jsonType, http.StatusOK, all[i])
}

func (a *API) backends(r *http.Request) []api.Backend {
	all := a.status.Backends(r.Context())
	for i := range all {
		all[i].Maintenance = a.upkeep.last(all[i].Name)
	}
	return all
}

func noBackend() error {
	return inParameter("name", &store.Error{Code: store.NotFound, Detail: "there is no backend of this name; GET /backends lists them"})
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(text)) // the client is gone; there is nobody to tell
}
