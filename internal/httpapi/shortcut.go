package httpapi

import (
	"net/http"
	"strings"

	"larder/internal/store"
)

// Most requests ask for one key's value and say nothing else. Routing, and binding
// parameters that are not there, takes a fifth of what larder itself does for one, so
// those go straight to their handler. The answers are the same.

// shortcut gives the entry that such a request asks for; ok is false for a request that
// has to be routed.
func (a *API) shortcut(r *http.Request) (ref store.Ref, ok bool) {
	if r.Method != http.MethodGet || r.URL.RawQuery != "" {
		return store.Ref{}, false
	}
	for _, name := range a.routes.getKey.headers {
		if r.Header[name] != nil {
			return store.Ref{}, false
		}
	}
	return plainRef(r.URL.RawPath)
}

// plainRef reads /tables/{table}/keys/{key} where nothing in it is encoded.
func plainRef(path string) (ref store.Ref, ok bool) {
	rest, ok := strings.CutPrefix(path, "/tables/")
	if !ok {
		return store.Ref{}, false
	}
	table, rest, _ := strings.Cut(rest, "/")
	key, ok := strings.CutPrefix(rest, "keys/")
	if !ok || table == "" || key == "" || strings.ContainsAny(key, "/%") || strings.IndexByte(table, '%') >= 0 {
		return store.Ref{}, false
	}
	return store.Ref{Table: table, Key: key}, true
}
