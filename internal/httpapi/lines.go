package httpapi

import (
	"net/http"

	"larder/internal/store"
)

// listLines answers a listing as NDJSON, an entry a line, page by page as they
// are read: up to the limit the client gave, with a link to what comes after,
// else to the end. What fails once
// lines have gone out ends the connection, so that no client takes a part for
// the whole.
func (a *API) listLines(w http.ResponseWriter, r *http.Request, l *listing) {
	if l.scan.Delimiter != "" {
		a.fail(w, r, nil, invalidParameter("delimiter", "a line is an entry; what a delimiter rolls up is told in "+jsonType+" only"))
		return
	}
	ctx, done, err := a.streams.begin(r.Context())
	if err != nil {
		a.fail(w, r, nil, err)
		return
	}
	defer done()
	defer a.countStream(r)()
	r = r.WithContext(ctx)
	ctx = l.cache.context(ctx)
	if !l.limited {
		l.scan.Limit = a.limits.MaxPage
		if l.query != nil {
			l.query.Limit = a.limits.MaxPage
		}
	}
	var out *pieces
	for {
		page, next, err := a.listPage(ctx, l)
		if err == nil && next != "" {
			err = l.goOn(next)
		}
		if err != nil {
			a.breakOff(w, r, out, err)
			return
		}
		if out == nil {
			if next != "" && l.limited {
				linkNext(w.Header(), r.URL, l.arguments.encode(next))
			}
			a.tell(w.Header(), l.cache, page.Source)
			out = newPieces(w, linesType)
			w.WriteHeader(http.StatusOK)
		}
		if err := writeLines(out, page.Entries); err != nil {
			return // the client is gone
		}
		if next == "" || l.limited {
			return
		}
	}
}

func writeLines(out *pieces, entries []store.Entry) error {
	for i := range entries {
		if err := out.write(append(appendEntry(nil, entries[i]), '\n')); err != nil {
			return err
		}
	}
	return out.flush()
}

// breakOff ends a stream that failed: with a problem where nothing has been
// answered yet, else by cutting the connection.
func (a *API) breakOff(w http.ResponseWriter, r *http.Request, out *pieces, err error) {
	if out == nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	if code := store.CodeOf(err); code != store.Canceled {
		a.log.Error().Str("request_id", exchangeOf(w).id).Str("code", string(code)).AnErr("cause", loggable(store.AsError(err))).Msg("a stream broke off")
	}
	panic(http.ErrAbortHandler)
}
