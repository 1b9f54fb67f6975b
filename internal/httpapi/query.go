package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// queryForm is api.QueryRequest with the filter left as it came: it tells a
// missing value from null, and "" as a path from none.
type queryForm struct {
	Filter json.RawMessage `json:"filter"`
	Sort   []api.Sort      `json:"sort"`
	Select []string        `json:"select"`
	Limit  *int            `json:"limit"`
	Offset int             `json:"offset"`
	Cursor string          `json:"cursor"`
}

type countForm struct {
	Filter json.RawMessage `json:"filter"`
}

// QueryTable answers what a query finds.
func (a *API) QueryTable(w http.ResponseWriter, r *http.Request, table string, _ api.QueryTableParams) {
	q, arguments, err := a.readQuery(w, r, table)
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	cache := parseCacheControl(r.Header)
	found, err := a.search(cache.context(r.Context()), q)
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	a.tell(w.Header(), cache, found.Source)
	form := api.QueryPage{Items: newEntries(found.Entries), Plan: newPlan(found.Plan)}
	if found.Next != nil {
		form.NextCursor = arguments.encode(formatPosition(found.Next))
	}
	writeJSON(w, jsonType, http.StatusOK, form)
}

func (a *API) readQuery(w http.ResponseWriter, r *http.Request, table string) (store.Query, listArguments, error) {
	if err := userTable(table); err != nil {
		return store.Query{}, nil, err
	}
	var form queryForm
	if err := a.decode(w, r, &form); err != nil {
		return store.Query{}, nil, err
	}
	q := store.Query{Table: table, Offset: form.Offset}
	arguments := listArguments{"queryTable", table, string(form.Filter)}
	var err error
	if q.Filter, err = a.readFilter(form.Filter); err != nil {
		return store.Query{}, nil, err
	}
	for i, s := range form.Sort {
		if s.Order != "" && !s.Order.Valid() {
			return store.Query{}, nil, invalidBody("/sort/"+strconv.Itoa(i)+"/order", "an order is asc or desc")
		}
		q.Sort = append(q.Sort, store.Sort{Path: s.Path, Descending: s.Order == api.SortOrderDesc})
		arguments = append(arguments, s.Path, string(s.Order))
	}
	for i, path := range form.Select {
		pointer, err := value.ParsePointer(path)
		if err != nil {
			return store.Query{}, nil, invalidBody("/select/"+strconv.Itoa(i), "a path is a JSON pointer, such as /name")
		}
		q.Select = append(q.Select, pointer)
	}
	if q.Limit, err = a.pageLimit(form.Limit); err != nil {
		return store.Query{}, nil, invalidBody("/limit", "limit lies between 1 and %d", a.limits.MaxPage)
	}
	position, err := arguments.decode("cursor", form.Cursor)
	if err != nil {
		return store.Query{}, nil, err
	}
	q.After, err = parsePosition(position)
	return q, arguments, err
}

// readFilter reads a filter in the contract's form; none finds everything.
func (a *API) readFilter(raw json.RawMessage) (value.Filter, error) {
	if len(raw) == 0 {
		return value.Filter{}, nil
	}
	filter, err := value.ParseFilter(raw, a.limits.Values())
	if err == nil {
		return filter, nil
	}
	wrong := &store.Error{Code: store.InvalidQuery, Detail: filterDetail(err), Err: err}
	pointer := "/filter"
	if f, ok := errors.AsType[*value.FilterError](err); ok {
		pointer += f.Pointer
	}
	return value.Filter{}, inBody(pointer, wrong)
}

// CountTable answers how many entries a filter matches.
func (a *API) CountTable(w http.ResponseWriter, r *http.Request, table string, _ api.CountTableParams) {
	cache := parseCacheControl(r.Header)
	counted, err := a.count(w, r, table, cache)
	if err != nil {
		a.fail(w, r, bodyPlaces, err)
		return
	}
	a.tell(w.Header(), cache, counted.Source)
	writeJSON(w, jsonType, http.StatusOK, api.CountResult{Count: counted.Count, Plan: newPlan(counted.Plan)})
}

func (a *API) count(w http.ResponseWriter, r *http.Request, table string, cache cacheControl) (store.Counted, error) {
	if err := userTable(table); err != nil {
		return store.Counted{}, err
	}
	var form countForm
	if err := a.decode(w, r, &form); err != nil {
		return store.Counted{}, err
	}
	filter, err := a.readFilter(form.Filter)
	if err != nil {
		return store.Counted{}, err
	}
	searcher, ok := store.As[store.Searcher](a.store)
	if !ok {
		return store.Counted{}, a.unsupported(store.CanSearch)
	}
	return searcher.Count(cache.context(r.Context()), store.Query{Table: table, Filter: filter})
}

func (a *API) search(ctx context.Context, q store.Query) (store.Found, error) {
	searcher, ok := store.As[store.Searcher](a.store)
	if !ok {
		return store.Found{}, a.unsupported(store.CanSearch)
	}
	return searcher.Search(ctx, q)
}

func (a *API) unsupported(c store.Capability) error {
	return &store.Error{Code: store.Unsupported, Detail: "the backend has no capability \"" + string(c) + "\"; GET /backends lists what it has"}
}

func newPlan(p store.Plan) api.Plan {
	return api.Plan{Backend: p.Backend, Mode: api.PlanMode(p.Mode), Index: p.Index, Scanned: p.Scanned}
}
