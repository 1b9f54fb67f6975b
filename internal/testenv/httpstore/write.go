package httpstore

import (
	"bytes"
	"context"
	"net/http"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// put writes a value, raw or in an envelope.
func (s *Store) put(ctx context.Context, op store.Op) (store.Result, error) {
	header, fits := metadataHeader(op.Metadata)
	if fits && either(op.Ref.Key) {
		return s.putRaw(ctx, op, header)
	}
	x := s.endsOf(op.Expiry)
	form := api.EntryWrite{TTLSeconds: x.seconds, ExpiresAt: x.at, KeepTTL: x.keep, Metadata: op.Metadata}
	form.Value, form.Encoding = formOf(op.Value)
	params := &api.PutEntryParams{IfMatch: ifMatch(op.If), IfNoneMatch: ifNoneMatch(op.If), Prefer: new(preferEntry)}
	resp, err := s.client.PutEntryWithResponse(ctx, op.Ref.Table, op.Ref.Key, params, form)
	if err != nil {
		return store.Result{}, s.broken(ctx, err, true)
	}
	return s.written(resp.HTTPResponse, resp.Body, resp.JSON200, resp.JSON201, request{ops: []store.Op{op}})
}

func (s *Store) putRaw(ctx context.Context, op store.Op, metadata string) (store.Result, error) {
	x := s.endsOf(op.Expiry)
	params := &api.PutKeyParams{
		TTLSeconds: x.seconds, ExpiresAt: x.at,
		IfMatch: ifMatch(op.If), IfNoneMatch: ifNoneMatch(op.If), Prefer: new(preferEntry),
	}
	if x.keep {
		params.KeepTTL = new(true)
	}
	if metadata != "" {
		params.LarderMetadata = &metadata
	}
	contentType := "application/json"
	if op.Value.Encoding == value.Bytes {
		contentType = "application/octet-stream"
	}
	resp, err := s.client.PutKeyWithBodyWithResponse(ctx, op.Ref.Table, op.Ref.Key, params, contentType, bytes.NewReader(op.Value.Data))
	if err != nil {
		return store.Result{}, s.broken(ctx, err, true)
	}
	return s.written(resp.HTTPResponse, resp.Body, resp.JSON200, resp.JSON201, request{ops: []store.Op{op}, raw: true})
}

// written reads the answer to a write.
func (s *Store) written(resp *http.Response, body []byte, changed, created *api.Entry, r request) (store.Result, error) {
	form := changed
	if created != nil {
		form = created
	}
	if form == nil {
		return store.Result{}, s.fail(resp, body, r)
	}
	e, err := entryOf(*form)
	return store.Result{Entry: e, Changed: true, Created: created != nil}, err
}

func (s *Store) patch(ctx context.Context, op store.Op) (store.Result, error) {
	contentType := "application/merge-patch+json"
	if op.PatchType == store.JSONPatch {
		contentType = "application/json-patch+json"
	}
	params := &api.PatchKeyParams{IfMatch: ifMatch(op.If), IfNoneMatch: ifNoneMatch(op.If), Prefer: new(preferEntry)}
	resp, err := s.client.PatchKeyWithBodyWithResponse(ctx, op.Ref.Table, op.Ref.Key, params, contentType, bytes.NewReader(op.Patch))
	if err != nil {
		return store.Result{}, s.broken(ctx, err, true)
	}
	return s.written(resp.HTTPResponse, resp.Body, resp.JSON200, nil, request{ops: []store.Op{op}, raw: true})
}

// increment adds to a number. The answer has only that and the version, so the
// entry is read before and after.
func (s *Store) increment(ctx context.Context, op store.Op) (store.Result, error) {
	before, err := s.read(ctx, store.Op{Kind: store.Get, Ref: op.Ref})
	if err != nil {
		return store.Result{}, err
	}
	form := api.IncrementRequest{
		Delta: op.Increment.Delta, Path: op.Increment.Path.String(),
		Initial: op.Increment.Initial, Min: op.Increment.Min, Max: op.Increment.Max,
	}
	params := &api.IncrementKeyParams{IfMatch: ifMatch(op.If), IfNoneMatch: ifNoneMatch(op.If)}
	resp, err := s.client.IncrementKeyWithResponse(ctx, op.Ref.Table, op.Ref.Key, params, form, preferring)
	if err != nil {
		return store.Result{}, s.broken(ctx, err, true)
	}
	if resp.JSON200 == nil {
		return store.Result{}, s.fail(resp.HTTPResponse, resp.Body, request{ops: []store.Op{op}})
	}
	e := store.Entry{Ref: op.Ref, Version: resp.JSON200.Version}
	if len(op.Increment.Path) == 0 {
		e.Value.Data = resp.JSON200.Value
	}
	e, err = s.complete(ctx, e)
	return store.Result{Entry: e, Changed: true, Created: !before.Exists()}, err
}

// preferring asks for the entry also where a failed precondition is all that
// could show one.
func preferring(_ context.Context, req *http.Request) error {
	req.Header.Set("Prefer", preferEntry)
	return nil
}

// complete reads what is not known of an entry, unless it has changed since.
func (s *Store) complete(ctx context.Context, known store.Entry) (store.Entry, error) {
	now, err := s.read(ctx, store.Op{Kind: store.Get, Ref: known.Ref})
	if err != nil || now.Version != known.Version {
		return known, err
	}
	return now, nil
}

func (s *Store) expire(ctx context.Context, op store.Op) (store.Result, error) {
	r := request{ops: []store.Op{op}}
	e := store.Entry{Ref: op.Ref}
	if op.Expiry.Never() {
		resp, err := s.client.DeleteExpiryWithResponse(ctx, op.Ref.Table, op.Ref.Key, &api.DeleteExpiryParams{IfMatch: ifMatch(op.If)}, preferring)
		if err != nil {
			return store.Result{}, s.broken(ctx, err, true)
		}
		if resp.HTTPResponse.StatusCode != http.StatusNoContent {
			return store.Result{}, s.fail(resp.HTTPResponse, resp.Body, r)
		}
		e.Version = *resp.Headers204.LarderVersion
	} else {
		x := s.endsOf(op.Expiry)
		form := api.ExpiryWrite{TTLSeconds: x.seconds, ExpiresAt: x.at}
		resp, err := s.client.PutExpiryWithResponse(ctx, op.Ref.Table, op.Ref.Key, &api.PutExpiryParams{IfMatch: ifMatch(op.If)}, form, preferring)
		if err != nil {
			return store.Result{}, s.broken(ctx, err, true)
		}
		if resp.JSON200 == nil {
			return store.Result{}, s.fail(resp.HTTPResponse, resp.Body, r)
		}
		e.Version, e.ExpiresAt = *resp.Headers200.LarderVersion, timeOf(resp.JSON200.ExpiresAt)
	}
	e, err := s.complete(ctx, e)
	return store.Result{Entry: e, Changed: true}, err
}

// delete deletes an entry. Whether there was one is read beforehand, since a
// 204 does not tell.
func (s *Store) delete(ctx context.Context, op store.Op) (store.Result, error) {
	before, err := s.read(ctx, store.Op{Kind: store.Get, Ref: op.Ref})
	if err != nil {
		return store.Result{}, err
	}
	resp, err := s.client.DeleteKeyWithResponse(ctx, op.Ref.Table, op.Ref.Key, &api.DeleteKeyParams{IfMatch: ifMatch(op.If), Prefer: new(preferEntry)})
	if err != nil {
		return store.Result{}, s.broken(ctx, err, true)
	}
	if resp.HTTPResponse.StatusCode != http.StatusNoContent {
		return store.Result{}, s.fail(resp.HTTPResponse, resp.Body, request{ops: []store.Op{op}})
	}
	e := store.Entry{Ref: op.Ref}
	if version := resp.Headers204.LarderVersion; version != nil {
		e.Version, e.Deleted = *version, true
	}
	return store.Result{Entry: e, Changed: before.Exists()}, nil
}
