package app

import (
	"encoding/json"
	"net/http"

	"larder/api"
	"larder/internal/store"
)

// starting answers while the store is being opened, which may take a while
// where it has to be migrated or can't be reached yet: the process lives, and is
// not ready.
func (a *App) starting() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // the client is gone; there is nobody to tell
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		notYet(w, "application/json", a.health(nil))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		notYet(w, "application/problem+json", api.Problem{
			Type: "about:blank", Title: http.StatusText(http.StatusServiceUnavailable), Status: http.StatusServiceUnavailable,
			Code: string(store.Unavailable), Retryable: true, Detail: a.life.reason(), Instance: r.URL.EscapedPath(),
		})
	})
	return mux
}

func notYet(w http.ResponseWriter, mediaType string, answer any) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(answer) // the client is gone; there is nobody to tell
}
