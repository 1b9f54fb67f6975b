package pgstore

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// Scan reads a page in one statement, at one moment.
func (s *Store) Scan(ctx context.Context, scan store.Scan) (store.Page, error) {
	return readFrom(ctx, s, func(ctx context.Context, from store.Source) (store.Page, error) {
		page, err := s.scan(ctx, scan)
		page.Source = from
		return page, err
	})
}

func (s *Store) scan(ctx context.Context, scan store.Scan) (store.Page, error) {
	if err := scan.Validate(s.options.Limits); err != nil {
		return store.Page{}, err
	}
	p := pager{s: s, scan: &scan, limit: scan.PageLimit(s.options.Limits)}
	q, some, err := p.selection()
	if err != nil || !some {
		return store.Page{}, err
	}
	if scan.Order == store.ByKey && scan.Delimiter != "" {
		return p.readGroups(ctx, q)
	}
	return p.read(ctx, q)
}

// pager fills a page. One row more than fits is asked for: it shows that there
// is another page.
type pager struct {
	s     *Store
	scan  *store.Scan
	limit int
}

// columns are what the page shows of an entry.
func (p *pager) columns() string {
	if p.scan.KeysOnly {
		return keyColumns
	}
	return columns
}

// selection is the page's statement; some is false where there can't be anything
// to find.
func (p *pager) selection() (q *selection, some bool, err error) {
	switch p.scan.Order {
	case store.ByChange:
		q, err = p.byChange()
		return q, true, err
	case store.ByExpiry:
		q, err = p.byExpiry()
		return q, true, err
	}
	keys, some, err := p.keys()
	if err != nil || !some {
		return nil, false, err
	}
	if p.scan.Delimiter != "" {
		return p.byGroup(keys), true, nil
	}
	q = &selection{}
	q.add("select ", p.columns(), " from ", p.s.sql.entries, " e where e.table_name = ", q.arg(p.scan.Table))
	q.within(keys)
	q.living(p.s)
	q.add(" order by e.key", keys.direction(), " limit ", q.arg(p.limit+1))
	return q, true, nil
}

// read reads a page of entries.
func (p *pager) read(ctx context.Context, q *selection) (store.Page, error) {
	var page store.Page
	var last row
	more := false
	err := p.s.query(ctx, q.text(), q.args, func(rows pgx.Rows) error {
		if len(page.Entries) == p.limit {
			more = true
			return nil
		}
		var err error
		if last, err = decodeRow(rows.RawValues()); err != nil {
			return err
		}
		page.Entries = append(page.Entries, last.Entry)
		return nil
	})
	if err != nil {
		return store.Page{}, err
	}
	if more {
		page.Next = p.place(&last)
	}
	return page, nil
}

// place is how to go on after an entry.
func (p *pager) place(r *row) string {
	switch p.scan.Order {
	case store.ByChange:
		return changePlace(r)
	case store.ByExpiry:
		return expiryPlace(r)
	default:
		return r.Key
	}
}

// keyRange is the keys that a page can hold.
type keyRange struct {
	from, to  string // "" to: no end
	exclusive bool   // from itself is not among them
	reverse   bool
}

func (k keyRange) direction() string {
	if k.reverse {
		return " desc"
	}
	return ""
}

// keyTail is, after the beginning of a key, greater than all that a key may go
// on with.
var keyTail = strings.Repeat(string(utf8.MaxRune), store.MaxKeyBytes/utf8.UTFMax)

// beyond is after all keys that start with prefix, and before all others that
// come after those. store.PrefixEnd, which says the same, need not be the UTF-8
// that the database insists on.
func beyond(prefix string) string { return prefix + keyTail }

// covered is what the scan covers.
func covered(scan *store.Scan) keyRange {
	k := keyRange{from: max(scan.Start, scan.Prefix), to: scan.End, reverse: scan.Reverse}
	if scan.Prefix != "" {
		if end := beyond(scan.Prefix); k.to == "" || end < k.to {
			k.to = end
		}
	}
	return k
}

// groupMark follows a group in a page's Next. Keys are UTF-8, so none has it.
const groupMark = "\xff"

// keys is what the scan covers and earlier pages have not shown; some is false
// where that can't be anything.
func (p *pager) keys() (k keyRange, some bool, err error) {
	k = covered(p.scan)
	if p.scan.After != "" {
		place, group := strings.CutSuffix(p.scan.After, groupMark)
		if len(place) > store.MaxKeyBytes || !isText(place) {
			return keyRange{}, false, invalidAfter()
		}
		switch {
		case k.reverse && (k.to == "" || place < k.to):
			k.to = place
		case k.reverse:
		case group && beyond(place) > k.from:
			k.from = beyond(place)
		case !group && place >= k.from:
			k.from, k.exclusive = place, true
		}
	}
	return k, k.to == "" || k.from < k.to, nil
}

// isText says whether the database takes a text.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func invalidAfter() error {
	return &store.Error{Code: store.InvalidCursor, Field: "cursor", Detail: "the cursor is not one of a scan in this order"}
}
