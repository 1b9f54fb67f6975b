package httpstore

import (
	"context"
	"net/http"
	"slices"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// Indexes implements [store.Indexer].
func (s *Store) Indexes(ctx context.Context, table string) ([]store.Index, error) {
	if err := s.indexable(ctx, table, "i"); err != nil {
		return nil, err
	}
	resp, err := s.client.ListIndexesWithResponse(ctx, table)
	if err != nil {
		return nil, s.broken(ctx, err, false)
	}
	if resp.JSON200 == nil {
		return nil, s.fail(resp.HTTPResponse, resp.Body, request{invalid: store.InvalidIndex})
	}
	var indexes []store.Index
	for _, form := range resp.JSON200.Items {
		x, err := indexOf(form)
		if err != nil {
			return nil, err
		}
		indexes = append(indexes, x)
	}
	return indexes, nil
}

// PutIndex implements [store.Indexer]. A 200 does not tell an index that was
// replaced from one that was there, so that is read beforehand.
func (s *Store) PutIndex(ctx context.Context, table string, def store.Index) (bool, error) {
	if err := s.indexable(ctx, table, def.Name); err != nil {
		return false, err
	}
	if def.Validate(table) == nil && !store.IsSystem(table) {
		indexes, err := s.Indexes(ctx, table)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(indexes, def.SameDefinition) {
			_, err := s.putIndex(ctx, table, def, http.StatusOK)
			return false, err
		}
	}
	_, err := s.putIndex(ctx, table, def, http.StatusOK, http.StatusCreated)
	return err == nil, err
}

func (s *Store) putIndex(ctx context.Context, table string, def store.Index, statuses ...int) (store.Index, error) {
	form := api.IndexDefinition{Unique: def.Unique, Fields: []api.IndexField{}}
	for _, f := range def.Fields {
		form.Fields = append(form.Fields, api.IndexField{Path: f.Path.String(), Type: api.IndexFieldType(f.Type)})
	}
	resp, err := s.client.PutIndexWithResponse(ctx, table, def.Name, form)
	if err != nil {
		return store.Index{}, s.broken(ctx, err, true)
	}
	made := resp.JSON200
	if made == nil {
		made = resp.JSON201
	}
	if made == nil || !slices.Contains(statuses, resp.HTTPResponse.StatusCode) {
		return store.Index{}, s.fail(resp.HTTPResponse, resp.Body, request{invalid: store.InvalidIndex})
	}
	return indexOf(*made)
}

// DropIndex implements [store.Indexer].
func (s *Store) DropIndex(ctx context.Context, table, name string) error {
	if err := s.indexable(ctx, table, name); err != nil {
		return err
	}
	resp, err := s.client.DeleteIndexWithResponse(ctx, table, name)
	if err != nil {
		return s.broken(ctx, err, true)
	}
	if resp.HTTPResponse.StatusCode != http.StatusNoContent {
		return s.fail(resp.HTTPResponse, resp.Body, request{invalid: store.InvalidIndex})
	}
	return nil
}

func (s *Store) indexable(ctx context.Context, table, name string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if !hasPath(store.Ref{Table: table, Key: name}) {
		return store.Index{Name: name, Fields: []store.IndexField{{Path: value.Pointer{"a"}, Type: store.StringField}}}.Validate(table)
	}
	return nil
}

func indexOf(form api.Index) (store.Index, error) {
	x := store.Index{Name: form.Name, Unique: form.Unique, Ready: form.State == api.IndexStateReady, Entries: form.Entries}
	for _, f := range form.Fields {
		path, err := value.ParsePointer(f.Path)
		if err != nil {
			return store.Index{}, err
		}
		x.Fields = append(x.Fields, store.IndexField{Path: path, Type: store.FieldType(f.Type)})
	}
	return x, nil
}
