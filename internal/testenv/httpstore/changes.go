package httpstore

import (
	"context"
	"fmt"
	"time"

	"larder/api"
	"larder/internal/store"
)

// Changes implements [store.Store]: as a JSON page, or, where the prefix says
// so, as lines. It waits by whole seconds, rounded up. Feed.Horizon and
// Feed.More are not told.
func (s *Store) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if err := s.enter(ctx); err != nil {
		return store.Feed{}, err
	}
	if c.Table == "" {
		return store.Feed{}, s.unsupported("a feed is that of a table")
	}
	if !hasPath(store.Ref{Table: c.Table, Key: "k"}) {
		return store.Feed{}, store.ValidateTable(c.Table)
	}
	params := &api.ListChangesParams{Since: unlessZero(string(c.Since)), Prefix: unlessZero(c.Prefix), Limit: s.limit(c.Limit)}
	if c.Wait > 0 {
		params.Prefer = new(fmt.Sprintf("wait=%d", (c.Wait+time.Second-1)/time.Second))
	}
	if !either(c.Prefix + string(c.Since)) {
		return s.changeLines(ctx, c.Table, params)
	}
	resp, err := s.client.ListChangesWithResponse(ctx, c.Table, params)
	if err != nil {
		return store.Feed{}, s.broken(ctx, err, false)
	}
	if resp.JSON200 == nil {
		return store.Feed{}, s.fail(resp.HTTPResponse, resp.Body, request{invalid: store.InvalidScan})
	}
	return feedOf(resp.JSON200.Items, resp.JSON200.NextCursor)
}

func (s *Store) changeLines(ctx context.Context, table string, params *api.ListChangesParams) (store.Feed, error) {
	resp, err := s.client.ListChanges(ctx, table, params, asLines)
	if err != nil {
		return store.Feed{}, s.broken(ctx, err, false)
	}
	forms, next, err := linesOf[api.Change](ctx, s, resp, "since")
	if err != nil {
		return store.Feed{}, err
	}
	return feedOf(forms, next)
}

func feedOf(forms []api.Change, next string) (store.Feed, error) {
	feed := store.Feed{Next: store.Cursor(next)}
	for _, form := range forms {
		change, err := changeOf(form)
		if err != nil {
			return store.Feed{}, err
		}
		feed.Changes = append(feed.Changes, change)
	}
	return feed, nil
}

func changeOf(form api.Change) (store.Change, error) {
	e := store.Entry{
		Ref: store.Ref{Table: form.Table, Key: form.Key}, Version: form.Version,
		UpdatedAt: form.UpdatedAt.UTC(), Deleted: form.Deleted,
	}
	if !form.Deleted {
		var err error
		if e.Value, err = valueOf(form.Value, form.Encoding); err != nil {
			return store.Change{}, err
		}
		e.CreatedAt, e.ExpiresAt, e.Metadata = timeOf(form.CreatedAt), timeOf(form.ExpiresAt), metadataOf(form.Metadata)
	}
	return store.Change{Entry: e, Cursor: store.Cursor(form.Cursor)}, nil
}
