package httpstore

import (
	"bytes"
	"context"
	"encoding/json"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// queryForm is api.QueryRequest, whose filter can't tell a path that is the
// whole value from none.
type queryForm struct {
	Filter json.RawMessage `json:"filter,omitempty"`
	Sort   []api.Sort      `json:"sort,omitempty"`
	Select []string        `json:"select,omitempty"`
	Limit  *int            `json:"limit,omitempty"`
	Offset int             `json:"offset,omitempty"`
	Cursor string          `json:"cursor,omitempty"`
}

// Search implements [store.Searcher]. A position is a cursor in its Key.
// Query.Budget is the server's own.
func (s *Store) Search(ctx context.Context, q store.Query) (store.Found, error) {
	if err := s.searchable(ctx, q); err != nil {
		return store.Found{}, err
	}
	form := queryForm{Filter: filterForm(q.Filter), Limit: s.limit(q.Limit), Offset: q.Offset}
	for _, sort := range q.Sort {
		order := api.SortOrder("")
		if sort.Descending {
			order = api.SortOrderDesc
		}
		form.Sort = append(form.Sort, api.Sort{Path: sort.Path, Order: order})
	}
	for _, path := range q.Select {
		form.Select = append(form.Select, path.String())
	}
	if q.After != nil {
		form.Cursor = q.After.Key
	}
	body, err := json.Marshal(form)
	if err != nil {
		return store.Found{}, &store.Error{Code: store.InvalidQuery, Field: "filter", Err: err}
	}
	resp, err := s.client.QueryTableWithBodyWithResponse(ctx, q.Table, nil, "application/json", bytes.NewReader(body))
	if err != nil {
		return store.Found{}, s.broken(ctx, err, false)
	}
	if resp.JSON200 == nil {
		return store.Found{}, s.fail(resp.HTTPResponse, resp.Body, request{invalid: store.InvalidQuery})
	}
	found := store.Found{Plan: planOf(resp.JSON200.Plan)}
	if next := resp.JSON200.NextCursor; next != "" {
		found.Next = &store.Position{Key: next}
	}
	found.Entries, err = entriesOf(resp.JSON200.Items)
	return found, err
}

// Count implements [store.Searcher].
func (s *Store) Count(ctx context.Context, q store.Query) (store.Counted, error) {
	if err := s.searchable(ctx, q); err != nil {
		return store.Counted{}, err
	}
	body, err := json.Marshal(queryForm{Filter: filterForm(q.Filter)})
	if err != nil {
		return store.Counted{}, &store.Error{Code: store.InvalidQuery, Field: "filter", Err: err}
	}
	resp, err := s.client.CountTableWithBodyWithResponse(ctx, q.Table, nil, "application/json", bytes.NewReader(body))
	if err != nil {
		return store.Counted{}, s.broken(ctx, err, false)
	}
	if resp.JSON200 == nil {
		return store.Counted{}, s.fail(resp.HTTPResponse, resp.Body, request{invalid: store.InvalidQuery})
	}
	return store.Counted{Count: resp.JSON200.Count, Plan: planOf(resp.JSON200.Plan)}, nil
}

func (s *Store) searchable(ctx context.Context, q store.Query) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if !hasPath(store.Ref{Table: q.Table, Key: "k"}) {
		return store.ValidateTable(q.Table)
	}
	return nil
}

func planOf(form api.Plan) store.Plan {
	return store.Plan{Backend: form.Backend, Mode: store.Mode(form.Mode), Index: form.Index, Scanned: form.Scanned}
}

// filterForm writes all that a filter holds, be it right or wrong.
func filterForm(f value.Filter) json.RawMessage {
	if f.IsZero() {
		return nil
	}
	var b bytes.Buffer
	writeFilter(&b, f)
	return b.Bytes()
}

func writeFilter(b *bytes.Buffer, f value.Filter) {
	separator := byte('{')
	member := func(name string) {
		b.WriteByte(separator)
		separator = ','
		b.WriteString(`"` + name + `":`)
	}
	for _, some := range []struct {
		name    string
		filters []value.Filter
	}{{"and", f.And}, {"or", f.Or}} {
		if some.filters == nil {
			continue
		}
		member(some.name)
		b.WriteByte('[')
		for i := range some.filters {
			if i > 0 {
				b.WriteByte(',')
			}
			writeFilter(b, some.filters[i])
		}
		b.WriteByte(']')
	}
	if f.Not != nil {
		member("not")
		writeFilter(b, *f.Not)
	}
	if f.Op != "" || f.Path != "" {
		member("path")
		b.Write(value.AppendString(nil, f.Path))
		member("op")
		b.Write(value.AppendString(nil, f.Op))
	}
	if f.Value != nil {
		member("value")
		b.Write(f.Value)
	}
	if separator == '{' {
		b.WriteByte('{')
	}
	b.WriteByte('}')
}
