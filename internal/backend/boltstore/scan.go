package boltstore

import (
	"bytes"
	"context"
	"strings"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// Scan reads a page in one transaction, at one moment.
func (s *Store) Scan(ctx context.Context, scan store.Scan) (store.Page, error) {
	if err := scan.Validate(s.options.Limits); err != nil {
		return store.Page{}, err
	}
	if ctx.Err() != nil {
		return store.Page{}, s.ended(ctx)
	}
	var page store.Page
	err := s.view(func(tx *bolt.Tx) error {
		p := pager{
			tx: tx, scan: &scan, now: s.clock.micros(), pace: s.pace(ctx),
			limit: scan.PageLimit(s.options.Limits),
		}
		var err error
		switch scan.Order {
		case store.ByChange:
			err = p.byChange()
		case store.ByExpiry:
			err = p.byExpiry()
		default:
			err = p.byKey()
		}
		page = p.page
		return err
	})
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// pager fills a page.
type pager struct {
	tx    *bolt.Tx
	scan  *store.Scan
	now   int64
	pace  pace
	limit int
	page  store.Page
}

// full says whether nothing more fits. What then is still found only shows
// that there is another page.
func (p *pager) full() bool { return len(p.page.Entries)+len(p.page.Prefixes) == p.limit }

// add takes an entry into the page, with memory of its own.
func (p *pager) add(ref store.Ref, r *record) {
	e := r.entry(ref)
	if p.scan.KeysOnly {
		e = e.WithoutValue()
	} else {
		e.Value.Data = bytes.Clone(e.Value.Data)
	}
	p.page.Entries = append(p.page.Entries, e)
}

// byKey walks the table's keys. What is rolled up is found at its first key
// and then jumped over, however many more there are.
func (p *pager) byKey() error {
	bucket := tableBucket(p.tx, entriesArea, p.scan.Table)
	if bucket == nil {
		return nil
	}
	w := newWalk(bucket.Cursor(), p.scan)
	next := "" // how to go on after the last thing taken
	for key, b := w.first(); key != nil; {
		if p.pace.ended() {
			return p.pace.err()
		}
		r, err := decodeRecord(b)
		if err != nil {
			return err
		}
		if !r.exists(p.now) {
			key, b = w.next()
			continue
		}
		if p.full() {
			p.page.Next = next
			return nil
		}
		group := p.group(key)
		if group == "" {
			name := string(key)
			p.add(store.Ref{Table: p.scan.Table, Key: name}, &r)
			next = name
			key, b = w.next()
			continue
		}
		p.page.Prefixes = append(p.page.Prefixes, group)
		next = afterGroup(group, p.scan.Reverse)
		key, b = w.beyond(next)
	}
	return nil
}

// group is what a key is rolled up to, "" where it stands by itself.
func (p *pager) group(key []byte) string {
	if p.scan.Delimiter == "" {
		return ""
	}
	rest := key[len(p.scan.Prefix):]
	i := bytes.Index(rest, []byte(p.scan.Delimiter))
	if i < 0 {
		return ""
	}
	return string(key[:len(p.scan.Prefix)+i+len(p.scan.Delimiter)])
}

// afterGroup is a place between a group's keys and what follows them in the
// direction of the scan. Keys are UTF-8, so none has the byte 0xff.
func afterGroup(group string, reverse bool) string {
	if reverse {
		return group
	}
	return group + "\xff"
}

// walk goes through the keys that a scan covers, in its direction.
type walk struct {
	cursor   *bolt.Cursor
	from, to string // "" to: no end
	reverse  bool
}

func newWalk(cursor *bolt.Cursor, scan *store.Scan) *walk {
	w := &walk{cursor: cursor, reverse: scan.Reverse}
	w.from, w.to = scan.Within()
	switch {
	case scan.After == "":
	case !scan.Reverse && scan.After >= w.from:
		w.from = scan.After + "\x00" // the next string there can be
	case scan.Reverse && (w.to == "" || scan.After < w.to):
		w.to = scan.After
	}
	return w
}

func (w *walk) first() (key, record []byte) {
	if !w.reverse {
		return w.within(w.cursor.Seek([]byte(w.from)))
	}
	if w.to == "" {
		return w.within(w.cursor.Last())
	}
	return w.before(w.to)
}

func (w *walk) next() (key, record []byte) {
	if w.reverse {
		return w.within(w.cursor.Prev())
	}
	return w.within(w.cursor.Next())
}

// beyond goes on past a place, which itself does not count.
func (w *walk) beyond(place string) (key, record []byte) {
	if w.reverse {
		return w.before(place)
	}
	return w.within(w.cursor.Seek([]byte(place)))
}

// before gives the last key below a place.
func (w *walk) before(place string) (key, record []byte) {
	if k, _ := w.cursor.Seek([]byte(place)); k == nil {
		return w.within(w.cursor.Last())
	}
	return w.within(w.cursor.Prev())
}

func (w *walk) within(k, v []byte) (key, record []byte) {
	if k == nil || strings.Compare(string(k), w.from) < 0 || w.to != "" && strings.Compare(string(k), w.to) >= 0 {
		return nil, nil
	}
	return k, v
}
