package httpstore

import (
	"context"
	"errors"
	"hash/fnv"
	"net/http"
	"net/url"

	"larder/api"
	"larder/internal/store"
)

// longest is how much of a head one part of it may take; the server refuses a
// head over 16 KiB.
const longest = 6 << 10

// hasPath says whether a URL can name the entry: empty and dot segments are
// lost on the way, and a head has an end.
func hasPath(ref store.Ref) bool {
	for _, name := range []string{ref.Table, ref.Key} {
		if name == "" || name == "." || name == ".." {
			return false
		}
	}
	return len(url.PathEscape(ref.Table))+len(url.PathEscape(ref.Key)) < longest
}

// either chooses between two ways of the same meaning.
func either(key string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // it never fails
	return h.Sum32()&1 == 0
}

// Get implements [store.Store]: one entry by its route, several by an atomic
// batch or, where their keys lie in several slots, by one that is not.
// Read.Horizon is not told.
func (s *Store) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if len(refs) == 0 {
		return store.Read{}, s.enter(ctx)
	}
	if len(refs) == 1 && hasPath(refs[0]) {
		e, err := s.read(ctx, store.Op{Kind: store.Get, Ref: refs[0]})
		return store.Read{Entries: []store.Entry{e}}, err
	}
	ops := make([]store.Op, len(refs))
	for i, ref := range refs {
		ops[i] = store.Op{Kind: store.Get, Ref: ref}
	}
	results, err := s.batch(ctx, store.Batch{Ops: ops})
	if e, ok := errors.AsType[*store.Error](err); ok && e.Code == store.BatchFailed {
		return store.Read{}, e.Failures[0].Err
	}
	if errors.Is(err, store.CrossSlot) {
		results, err = s.getEach(ctx, ops)
	}
	if err != nil {
		return store.Read{}, err
	}
	read := store.Read{Entries: make([]store.Entry, len(refs))}
	for i := range results {
		read.Entries[i] = results[i].Entry
	}
	return read, nil
}

// getEach reads entries that have no moment in common. Each that is absent has
// its 404.
func (s *Store) getEach(ctx context.Context, ops []store.Op) ([]store.Result, error) {
	forms, err := s.sendBatch(ctx, store.Batch{Ops: ops}, len(ops), false)
	if err != nil {
		return nil, err
	}
	results := make([]store.Result, len(ops))
	for i, form := range forms {
		if p := form.Error; p != nil && form.Status != http.StatusNotFound {
			return nil, s.errorOf(*p, request{ops: ops[i : i+1]})
		}
		if results[i], err = resultOf(ops[i], form); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// read gets an entry, raw or as an envelope; where the operation has versions
// or wants the entry to exist, under If-Match.
func (s *Store) read(ctx context.Context, op store.Op) (store.Entry, error) {
	if err := s.enter(ctx); err != nil {
		return store.Entry{}, err
	}
	conditions := func(_ context.Context, req *http.Request) error {
		if match := ifMatch(op.If); match != nil {
			req.Header.Set("If-Match", *match)
			req.Header.Set("Prefer", preferEntry)
		}
		return nil
	}
	r := request{ops: []store.Op{op}}
	if either(op.Ref.Key) {
		resp, err := s.client.GetEntryWithResponse(ctx, op.Ref.Table, op.Ref.Key, nil, conditions)
		switch {
		case err != nil:
			return store.Entry{}, s.broken(ctx, err, false)
		case resp.JSON200 != nil:
			return entryOf(*resp.JSON200)
		}
		return s.absence(op, s.fail(resp.HTTPResponse, resp.Body, r))
	}
	resp, err := s.client.GetKeyWithResponse(ctx, op.Ref.Table, op.Ref.Key, &api.GetKeyParams{}, conditions)
	switch {
	case err != nil:
		return store.Entry{}, s.broken(ctx, err, false)
	case resp.HTTPResponse.StatusCode == http.StatusOK:
		return rawEntry(op.Ref, resp.HTTPResponse, resp.Body, resp.Headers200)
	}
	return s.absence(op, s.fail(resp.HTTPResponse, resp.Body, r))
}

// absence makes of a 404 what it is: an entry that does not exist.
func (s *Store) absence(op store.Op, err error) (store.Entry, error) {
	if e := store.AsError(err); e.Code == store.NotFound && !e.Precondition {
		return store.Entry{Ref: op.Ref}, nil
	}
	return store.Entry{}, err
}
