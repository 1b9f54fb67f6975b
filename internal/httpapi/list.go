package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"larder/api"
	"larder/internal/store"
	"larder/internal/value"
)

const defaultPage = 100

// listing is one request for a table's entries, whether it is a scan or, given
// filters, a query.
type listing struct {
	scan      store.Scan
	query     *store.Query // nil: a scan
	limited   bool         // the client said how many
	arguments listArguments
	cache     cacheControl
}

// ListKeys answers a table's entries, as a page or as lines.
func (a *API) ListKeys(w http.ResponseWriter, r *http.Request, table string, params api.ListKeysParams) {
	mediaType, err := acceptable(r.Header, jsonType, linesType)
	if err != nil {
		a.fail(w, r, nil, err)
		return
	}
	list, err := a.newListing(table, params)
	if err != nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	list.cache = parseCacheControl(r.Header)
	if mediaType == linesType {
		a.listLines(w, r, list)
		return
	}
	limit(r.Context(), a.options.RequestTimeout)
	page, next, err := a.listPage(list.cache.context(r.Context()), list)
	if err != nil {
		a.fail(w, r, queryPlaces, err)
		return
	}
	a.tell(w.Header(), list.cache, page.Source)
	form := api.EntryPage{Items: newEntries(page.Entries), Prefixes: page.Prefixes}
	if next != "" {
		form.NextCursor = list.arguments.encode(next)
		linkNext(w.Header(), r.URL, form.NextCursor)
	}
	writeJSON(w, jsonType, http.StatusOK, form)
}

func (a *API) newListing(table string, params api.ListKeysParams) (*listing, error) {
	if err := userTable(table); err != nil {
		return nil, err
	}
	scan := store.Scan{
		Table: table, Prefix: deref(params.Prefix), Start: deref(params.Start), End: deref(params.End),
		Delimiter: deref(params.Delimiter), Reverse: deref(params.Reverse), KeysOnly: deref(params.KeysOnly),
	}
	if params.ModifiedSince != nil {
		scan.Order, scan.ModifiedSince = store.ByChange, *params.ModifiedSince
	}
	if params.ExpiringBefore != nil {
		if params.ModifiedSince != nil {
			return nil, invalidParameter("expiring_before", "expiring_before and modified_since don't go together")
		}
		scan.Order, scan.ExpiringBefore = store.ByExpiry, *params.ExpiringBefore
	}
	var err error
	if scan.Limit, err = a.pageLimit(params.Limit); err != nil {
		return nil, err
	}
	filters := params.Filter
	list := &listing{scan: scan, limited: params.Limit != nil, arguments: append(scanArguments("listKeys", scan), filters...)}
	position, err := list.arguments.decode("cursor", deref(params.Cursor))
	if err != nil {
		return nil, err
	}
	if len(filters) == 0 {
		list.scan.After = position
		return list, scan.Validate(a.limits)
	}
	return list, list.filter(filters, position, a.limits)
}

// scanArguments are all that decide what a scan gives and in which order.
func scanArguments(name string, s store.Scan) listArguments {
	return listArguments{
		name, s.Table, s.Prefix, s.Start, s.End, s.Delimiter, strconv.FormatBool(s.Reverse), strconv.Itoa(int(s.Order)),
		s.ModifiedSince.UTC().Format(time.RFC3339Nano), s.ExpiringBefore.UTC().Format(time.RFC3339Nano),
	}
}

func (a *API) pageLimit(limit *int) (int, error) {
	if limit == nil {
		return min(defaultPage, a.limits.MaxPage), nil
	}
	if *limit < 1 || *limit > a.limits.MaxPage {
		return 0, invalidParameter("limit", "limit lies between 1 and %d", a.limits.MaxPage)
	}
	return *limit, nil
}

// filter makes a query of the listing: the short filters, and the range of
// keys as further conditions.
func (l *listing) filter(terms []string, position string, lim store.Limits) error {
	if l.scan.Order != store.ByKey || l.scan.Delimiter != "" {
		return invalidParameter("filter", "filter goes with prefix, start, end and reverse; for times there are the fields $updated_at and $expires_at")
	}
	if err := l.scan.Validate(lim); err != nil {
		return err
	}
	q := store.Query{Table: l.scan.Table, Limit: l.scan.Limit, Sort: []store.Sort{{Path: "$key", Descending: l.scan.Reverse}}}
	for _, term := range terms {
		if !utf8.ValidString(term) {
			return inParameter("filter", &store.Error{Code: store.InvalidQuery, Detail: "a filter is UTF-8, percent-encoded"})
		}
		f, err := value.ParseShort(term)
		if err != nil {
			return inParameter("filter", &store.Error{Code: store.InvalidQuery, Detail: filterDetail(err), Err: err})
		}
		q.Filter.And = append(q.Filter.And, f)
	}
	for _, bound := range []struct{ op, key string }{{"prefix", l.scan.Prefix}, {"gte", l.scan.Start}, {"lt", l.scan.End}} {
		if bound.key != "" {
			q.Filter.And = append(q.Filter.And, value.Filter{Path: "$key", Op: bound.op, Value: value.AppendString(nil, bound.key)})
		}
	}
	var err error
	q.After, err = parsePosition(position)
	l.query = &q
	return err
}

// listPage reads one page, and where the next one goes on.
func (a *API) listPage(ctx context.Context, l *listing) (page store.Page, next string, err error) {
	if l.query == nil {
		page, err = a.store.Scan(ctx, l.scan)
		return page, page.Next, err
	}
	found, err := a.search(ctx, *l.query)
	if err != nil {
		return store.Page{}, "", err
	}
	if l.scan.KeysOnly {
		for i := range found.Entries {
			found.Entries[i] = found.Entries[i].WithoutValue()
		}
	}
	return store.Page{Entries: found.Entries, Source: found.Source}, formatPosition(found.Next), nil
}

// goOn makes the listing one of what comes after next.
func (l *listing) goOn(next string) error {
	if l.query == nil {
		l.scan.After = next
		return nil
	}
	var err error
	l.query.After, err = parsePosition(next)
	return err
}

func newEntries(entries []store.Entry) []api.Entry {
	forms := make([]api.Entry, len(entries))
	for i := range entries {
		forms[i] = *newEntry(entries[i])
	}
	return forms
}

// linkNext names the next page as RFC 8288 has it.
func linkNext(h http.Header, u *url.URL, cursor string) {
	query := u.Query()
	query.Set("cursor", cursor)
	h.Set("Link", "<"+u.EscapedPath()+"?"+query.Encode()+`>; rel="next"`)
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
