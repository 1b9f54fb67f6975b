package transfer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

// fake is a larder that keeps what batches put, and fails as it is told.
type fake struct {
	server *httptest.Server

	mu      sync.Mutex
	values  map[ref]string
	batches int
	most    int // operations in a batch

	// refuse may answer for a batch or for one operation of it; nil: it is done.
	refuse  func(operations []api.BatchOperation) *api.Problem
	refuse1 func(op api.BatchOperation) *api.Problem

	pages    map[string][]api.ChangePage // by table; the cursor is the page's number
	unlisted map[string]bool             // tables that the list leaves out
}

func newFake(t *testing.T) (*fake, *api.Client) {
	t.Helper()
	f := &fake{values: make(map[ref]string), pages: make(map[string][]api.ChangePage)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /batch", f.batch)
	mux.HandleFunc("GET /tables", f.tables)
	mux.HandleFunc("GET /tables/{table}/changes", f.changes)
	f.server = httptest.NewServer(mux)
	t.Cleanup(f.server.Close)
	client, err := remote.New(f.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return f, client
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "0")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone fails its test by itself
}

func problem(status int, code string) *api.Problem {
	return &api.Problem{Status: status, Code: code, Title: code, Retryable: status == http.StatusServiceUnavailable}
}

func (f *fake) batch(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var request api.BatchRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		answer(w, http.StatusBadRequest, problem(http.StatusBadRequest, "invalid_body"))
		return
	}
	f.batches++
	f.most = max(f.most, len(request.Operations))
	if f.refuse != nil {
		if p := f.refuse(request.Operations); p != nil {
			answer(w, p.Status, p)
			return
		}
	}
	var response api.BatchResponse
	for _, op := range request.Operations {
		result := api.BatchResult{Op: op.Op, Table: op.Table, Key: op.Key, Status: http.StatusOK}
		if f.refuse1 != nil {
			if p := f.refuse1(op); p != nil {
				result.Status, result.Error = p.Status, p
				response.Results = append(response.Results, result)
				continue
			}
		}
		if op.Op == api.BatchOpDelete {
			delete(f.values, ref{op.Table, op.Key})
		} else {
			f.values[ref{op.Table, op.Key}] = string(op.Value)
		}
		response.Results = append(response.Results, result)
	}
	answer(w, http.StatusOK, response)
}

func (f *fake) tables(w http.ResponseWriter, _ *http.Request) {
	page := api.TablePage{Items: []api.Table{}}
	for name := range f.pages {
		if !f.unlisted[name] {
			page.Items = append(page.Items, api.Table{Name: name, Entries: 1})
		}
	}
	answer(w, http.StatusOK, page)
}

func (f *fake) changes(w http.ResponseWriter, r *http.Request) {
	since := r.URL.Query().Get("since")
	n := 0
	if since != "" {
		if _, err := fmt.Sscanf(since, "page-%d", &n); err != nil {
			answer(w, http.StatusGone, problem(http.StatusGone, "compacted"))
			return
		}
	}
	pages := f.pages[r.PathValue("table")]
	page := api.ChangePage{Items: []api.Change{}, NextCursor: fmt.Sprintf("page-%d", len(pages))}
	if n < len(pages) {
		page = pages[n]
		page.NextCursor = fmt.Sprintf("page-%d", n+1)
	}
	answer(w, http.StatusOK, page)
}

// put is a change that puts a key; drop one that deletes it.
func put(key, value string) api.Change {
	return api.Change{Table: "t", Key: key, Value: json.RawMessage(value), Version: 1, Encoding: api.EncodingJSON, UpdatedAt: time.Unix(0, 0).UTC()}
}

func drop(key string) api.Change {
	return api.Change{Table: "t", Key: key, Deleted: true, Version: 2, UpdatedAt: time.Unix(0, 0).UTC()}
}
