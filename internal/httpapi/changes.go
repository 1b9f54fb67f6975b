package httpapi

import (
	"context"
	"net/http"
	"time"

	"larder/api"
	"larder/internal/store"
)

// feed is one request for a table's changes.
type feed struct {
	ask       store.Changes
	arguments listArguments
}

// ListChanges answers what changed after a cursor: a page, lines, or a stream
// of events.
func (a *API) ListChanges(w http.ResponseWriter, r *http.Request, table string, params api.ListChangesParams) {
	mediaType, err := acceptable(r.Header, jsonType, linesType, eventStreamType)
	if err != nil {
		a.fail(w, r, nil, err)
		return
	}
	f, err := a.newFeed(table, params, mediaType)
	if err != nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	if mediaType == eventStreamType {
		a.streamChanges(w, r, f)
		return
	}
	page, err := a.pollChanges(w, r, f)
	if err != nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	waited := preference{wait: f.ask.Wait}
	waited.applied(w.Header())
	next := f.arguments.encode(string(page.Next))
	if mediaType == jsonType {
		writeJSON(w, jsonType, http.StatusOK, api.ChangePage{Items: f.forms(page.Changes), NextCursor: next})
		return
	}
	a.changeLines(w, r, f, page, next)
}

func (a *API) newFeed(table string, params api.ListChangesParams, mediaType string) (*feed, error) {
	if err := userTable(table); err != nil {
		return nil, err
	}
	f := &feed{ask: store.Changes{Table: table, Prefix: deref(params.Prefix)}}
	f.arguments = listArguments{"listChanges", table, f.ask.Prefix}
	var err error
	if f.ask.Limit, err = a.pageLimit(params.Limit); err != nil {
		return nil, err
	}
	if params.Prefer != nil && mediaType != eventStreamType {
		f.ask.Wait = preferences(http.Header{"Prefer": {*params.Prefer}}).wait
	}
	since, name := deref(params.Since), "since"
	if last := deref(params.LastEventID); last != "" && mediaType == eventStreamType {
		since, name = last, "Last-Event-ID"
	}
	position, err := f.arguments.decode(name, since)
	if err != nil {
		if name == "Last-Event-ID" {
			err = inHeader(name, store.AsError(err))
		}
		return nil, err
	}
	f.ask.Since = store.Cursor(position)
	return f, f.ask.Validate(a.limits)
}

// pollChanges reads a page; one that waits ends early where the server stops.
func (a *API) pollChanges(w http.ResponseWriter, r *http.Request, f *feed) (store.Feed, error) {
	ctx, cancel := context.WithTimeout(r.Context(), a.options.RequestTimeout+f.ask.Wait)
	defer cancel()
	if f.ask.Wait == 0 {
		return a.store.Changes(ctx, f.ask)
	}
	ctx, done, err := a.streams.begin(ctx)
	if err != nil {
		return store.Feed{}, err
	}
	defer done()
	defer a.countStream(r)()
	x := exchangeOf(w)
	x.pause()
	page, err := a.store.Changes(ctx, f.ask)
	x.resume()
	if err != nil && ctx.Err() != nil && r.Context().Err() == nil {
		return store.Feed{}, &store.Error{Code: stopping, Detail: "the wait was cut short; ask again", Err: err}
	}
	return page, err
}

func (a *API) changeLines(w http.ResponseWriter, r *http.Request, f *feed, page store.Feed, next string) {
	linkSince(w.Header(), r, next)
	out := newPieces(w, linesType)
	w.WriteHeader(http.StatusOK)
	for _, change := range page.Changes {
		if err := out.write(append(encode(f.form(change)), '\n')); err != nil {
			return // the client is gone
		}
	}
}

// linkSince tells where lines, which have no envelope, go on.
func linkSince(h http.Header, r *http.Request, cursor string) {
	query := r.URL.Query()
	query.Set("since", cursor)
	h.Set("Link", "<"+r.URL.EscapedPath()+"?"+query.Encode()+`>; rel="next"`)
}

// streamChanges writes changes as server-sent events until the client goes or
// the server stops. Each event's id is the cursor to go on from.
func (a *API) streamChanges(w http.ResponseWriter, r *http.Request, f *feed) {
	ctx, done, err := a.streams.begin(r.Context())
	if err != nil {
		a.fail(w, r, nil, err)
		return
	}
	defer done()
	defer a.countStream(r)()
	out := newPieces(w, eventStreamType)
	w.WriteHeader(http.StatusOK)
	if err := a.writeEvents(ctx, out, f); err != nil && ctx.Err() == nil {
		a.log.Info().Str("request_id", exchangeOf(w).id).Str("code", string(store.CodeOf(err))).Msg("an event stream ended early")
	}
}

// reconnectTime is what clients are asked to wait before they reconnect.
const reconnectTime = time.Second

// writeEvents fails where the stream can't go on; the client then reconnects
// with the last id it has seen.
func (a *API) writeEvents(ctx context.Context, out *pieces, f *feed) error {
	if err := out.write(retryLine(reconnectTime)); err != nil {
		return err
	}
	f.ask.Wait = a.options.Heartbeat
	for ctx.Err() == nil {
		if err := out.flush(); err != nil {
			return err
		}
		page, err := a.store.Changes(ctx, f.ask)
		if store.CodeOf(err) == store.Compacted {
			return out.end("event: resync\ndata: {}\n\n")
		}
		if err != nil {
			return err
		}
		if len(page.Changes) == 0 {
			err = out.write([]byte(": still here\n\n"))
		}
		for _, change := range page.Changes {
			if err == nil {
				err = out.write(f.event(change))
			}
		}
		if err != nil {
			return err
		}
		f.ask.Since = page.Next
	}
	return nil
}

func (f *feed) event(change store.Change) []byte {
	form := f.form(change)
	event := append([]byte("event: change\nid: "), form.Cursor...)
	event = append(event, "\ndata: "...)
	event = append(event, encode(form)...)
	return append(event, "\n\n"...)
}

func (f *feed) forms(changes []store.Change) []api.Change {
	forms := make([]api.Change, len(changes))
	for i := range changes {
		forms[i] = *f.form(changes[i])
	}
	return forms
}

// form is a change in the contract's form. A deletion has neither value nor
// metadata.
func (f *feed) form(change store.Change) *api.Change {
	form := &api.Change{
		Table: change.Table, Key: change.Key, Version: change.Version, UpdatedAt: change.UpdatedAt,
		Deleted: change.Deleted, Cursor: f.arguments.encode(string(change.Cursor)),
	}
	if change.Deleted {
		return form
	}
	entry := newEntry(change.Entry)
	form.CreatedAt, form.ExpiresAt = &entry.CreatedAt, entry.ExpiresAt
	form.Value, form.Encoding, form.Metadata = entry.Value, entry.Encoding, entry.Metadata
	return form
}
