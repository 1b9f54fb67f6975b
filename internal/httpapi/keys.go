package httpapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

// GetKey answers a value as it is.
func (a *API) GetKey(w http.ResponseWriter, r *http.Request, table, key string, params api.GetKeyParams) {
	a.getKey(r.Context(), w, r, store.Ref{Table: table, Key: key}, params.LarderMinVersion)
}

// HeadKey answers what GetKey does; net/http leaves the body out.
func (a *API) HeadKey(w http.ResponseWriter, r *http.Request, table, key string, params api.HeadKeyParams) {
	a.getKey(r.Context(), w, r, store.Ref{Table: table, Key: key}, params.LarderMinVersion)
}

// contentTypes are headers for the types that values have.
var contentTypes = map[string][]string{jsonType: {jsonType}, bytesType: {bytesType}}

// countedByServer is the length of a body from which on net/http no longer tells its length
// by itself. Up to there it does so more cheaply: every header that a handler sets is copied.
const countedByServer = 2048

func (a *API) getKey(ctx context.Context, w http.ResponseWriter, r *http.Request, ref store.Ref, minVersion *int64) {
	entry, done, err := a.read(ctx, w, r, ref, minVersion)
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	if done {
		return
	}
	mediaType := jsonType
	if entry.Value.Encoding == value.Bytes {
		mediaType = bytesType
	}
	if _, err := acceptable(r.Header, mediaType); err != nil {
		a.fail(w, r, nil, err)
		return
	}
	h := w.Header()
	h["Content-Type"] = contentTypes[mediaType]
	if len(entry.Value.Data) >= countedByServer {
		h["Content-Length"] = []string{strconv.Itoa(len(entry.Value.Data))}
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(entry.Value.Data) // the client is gone; there is nobody to tell
}

// read gets an entry for a conditional request and puts what is known of it
// into the headers. done says that the answer, a 304, has been given.
func (a *API) read(ctx context.Context, w http.ResponseWriter, r *http.Request, ref store.Ref, minVersion *int64) (entry store.Entry, done bool, err error) {
	if err := userRef(ref); err != nil {
		return store.Entry{}, false, err
	}
	conditions, err := readConditions(r.Header)
	if err != nil {
		return store.Entry{}, false, err
	}
	if minVersion != nil && *minVersion < 1 {
		return store.Entry{}, false, invalidHeader("Larder-Min-Version", "a version is a positive integer")
	}
	cache := parseCacheControl(r.Header)
	if minVersion != nil {
		cache.freshness.MinVersion = *minVersion
	}
	read, err := a.store.Get(cache.context(ctx), []store.Ref{ref})
	if err == nil && cache.onlyIfCached && read.Source.Copy == "" || errors.Is(err, store.NotCached) {
		err = inHeader("Cache-Control", &store.Error{Code: store.NotCached, Ref: ref, Detail: "no cache has a copy of this entry that will do"})
	}
	if err == nil && read.Source.Copy != "" && tooOld(read.Entries[0], minVersion) != nil {
		read, err = a.store.Get(ctx, []store.Ref{ref})
	}
	if err != nil {
		return store.Entry{}, false, err
	}
	entry = read.Entries[0]
	a.tell(w.Header(), cache, read.Source)
	if err := cmp.Or(tooOld(entry, minVersion), conditions.failed(entry)); err != nil {
		return store.Entry{}, false, err
	}
	if !entry.Exists() {
		return store.Entry{}, false, &store.Error{Code: store.NotFound, Ref: ref, Detail: "there is no entry under this key"}
	}
	if err := describeCopy(w.Header(), entry, read.Source.Shown); err != nil {
		return store.Entry{}, false, err
	}
	if conditions.notModified(entry) {
		w.WriteHeader(http.StatusNotModified)
		return entry, true, nil
	}
	return entry, false, nil
}

// userRef refuses system tables along with names that are not valid.
func userRef(ref store.Ref) error {
	if err := userTable(ref.Table); err != nil {
		return err
	}
	return store.ValidateKey(ref.Key)
}

func userTable(table string) error {
	if err := store.ValidateTable(table); err != nil {
		return err
	}
	if store.IsSystem(table) {
		return &store.Error{Code: store.InvalidTable, Field: "table", Detail: `a table's name starts with a letter or a digit; those that start with "_" are larder's own`}
	}
	return nil
}

// PutKey stores a value.
func (a *API) PutKey(w http.ResponseWriter, r *http.Request, table, key string, params api.PutKeyParams) {
	op := store.Op{Kind: store.Put, Ref: store.Ref{Table: table, Key: key}}
	err := a.fillPut(w, r, &op, params)
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	a.write(w, r, rawPlaces, op, a.writeResult)
}

func (a *API) fillPut(w http.ResponseWriter, r *http.Request, op *store.Op, params api.PutKeyParams) error {
	if err := userRef(op.Ref); err != nil {
		return err
	}
	keep := params.KeepTTL != nil && *params.KeepTTL
	var err error
	if op.Expiry, err = expiry(params.TTLSeconds, params.ExpiresAt, keep); err != nil {
		return err
	}
	if op.If, err = precondition(r.Header); err != nil {
		return err
	}
	if op.Metadata, err = parseMetadata(r.Header); err != nil {
		return err
	}
	op.Value, err = a.readValue(w, r)
	return err
}

// write does one operation and answers with what came of it.
func (a *API) write(w http.ResponseWriter, r *http.Request, where places, op store.Op, answer func(http.ResponseWriter, *http.Request, store.Result)) {
	batch := store.Batch{Ops: []store.Op{op}}
	err := a.catalog.Prepare(batch.Ops)
	var results []store.Result
	if err == nil {
		results, err = a.store.Apply(r.Context(), batch)
	}
	if err != nil {
		a.fail(w, r, where, err)
		return
	}
	tellReplication(w.Header(), results...)
	answer(w, r, results[0])
}

// PatchKey changes a part of a value.
func (a *API) PatchKey(w http.ResponseWriter, r *http.Request, table, key string, _ api.PatchKeyParams) {
	op := store.Op{Kind: store.Patch, Ref: store.Ref{Table: table, Key: key}}
	if err := a.fillPatch(w, r, &op); err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	a.write(w, r, rawPlaces, op, a.writeResult)
}

func (a *API) fillPatch(w http.ResponseWriter, r *http.Request, op *store.Op) error {
	if err := userRef(op.Ref); err != nil {
		return err
	}
	var err error
	if op.If, err = precondition(r.Header); err != nil {
		return err
	}
	kind, err := contentType(w, r, mergePatchType, jsonPatchType)
	if err != nil {
		return err
	}
	op.PatchType = store.MergePatch
	if kind == jsonPatchType {
		op.PatchType = store.JSONPatch
	}
	data, err := readBody(w, r, int64(a.limits.MaxValueBytes))
	if err != nil {
		return err
	}
	// A JSON patch wraps a value, which may be as deep as values can be.
	limits := a.limits.Values()
	limits.MaxDepth += envelopeDepth
	patch, err := value.Parse(data, limits)
	if err != nil {
		return valueProblem("", err)
	}
	op.Patch = patch.Data
	return nil
}

// DeleteKey deletes an entry; that there was none is no error.
func (a *API) DeleteKey(w http.ResponseWriter, r *http.Request, table, key string, _ api.DeleteKeyParams) {
	op := store.Op{Kind: store.Delete, Ref: store.Ref{Table: table, Key: key}}
	err := userRef(op.Ref)
	if err == nil {
		op.If, err = precondition(r.Header)
	}
	if err != nil {
		a.fail(w, r, rawPlaces, err)
		return
	}
	a.write(w, r, rawPlaces, op, func(w http.ResponseWriter, _ *http.Request, result store.Result) {
		if version := result.Entry.Version; version > 0 {
			w.Header()["Larder-Version"] = []string{strconv.FormatInt(version, 10)}
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
