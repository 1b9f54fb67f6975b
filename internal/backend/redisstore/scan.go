package redisstore

import (
	"context"
	"strings"

	"larder/internal/store"
)

// Scan reads a page by one script for each shard, at one moment, unless the page
// has more than scanBytes or lies among very many entries that don't count: then
// it is read in stretches.
func (s *Store) Scan(ctx context.Context, scan store.Scan) (store.Page, error) {
	if err := scan.Validate(s.options.Limits); err != nil {
		return store.Page{}, err
	}
	l, err := s.enter(ctx)
	if err != nil {
		return store.Page{}, err
	}
	r := &scanReader{s: s, link: l, scan: &scan, limit: scan.PageLimit(s.options.Limits)}
	if r.place, err = orderOf(&scan); err != nil {
		return store.Page{}, err
	}
	items, err := r.read(ctx)
	if err != nil {
		return store.Page{}, err
	}
	return r.page(items)
}

// page makes a page of what was read, one item more than it holds where there are
// so many.
func (r *scanReader) page(items []scanItem) (store.Page, error) {
	var page store.Page
	for i := range items {
		if i == r.limit {
			page.Next = r.place.after(&items[i-1])
			break
		}
		x := &items[i]
		if x.group {
			page.Prefixes = append(page.Prefixes, x.key)
			continue
		}
		e, err := x.record.entry(store.Ref{Table: r.scan.Table, Key: x.key})
		if err != nil {
			return store.Page{}, r.s.damage(err)
		}
		if r.scan.KeysOnly {
			e = e.WithoutValue()
		}
		page.Entries = append(page.Entries, e)
	}
	return page, nil
}

// scanItem is an entry, or keys that are rolled up.
type scanItem struct {
	key    string
	group  bool
	record record
	shard  int
}

// scanOrder is one of the orders of a scan.
type scanOrder interface {
	// arguments are those of lua/scan.lua that belong to the order, to go on after
	// the place in a shard that was looked at last, "" for the first stretch.
	arguments(d *shard, last string) []string
	// set names what holds the order.
	set(d *shard) string
	// covers says whether an item counts that the script has given.
	covers(x *scanItem) bool
	compare(a, b *scanItem) int
	// after is how a page goes on after an item.
	after(x *scanItem) string
}

func orderOf(scan *store.Scan) (scanOrder, error) {
	switch scan.Order {
	case store.ByChange:
		return newChangeOrder(scan)
	case store.ByExpiry:
		return newExpiryOrder(scan)
	default:
		return &keyOrder{scan}, nil
	}
}

// keyOrder is that of the keys' bytes.
type keyOrder struct{ scan *store.Scan }

func (o *keyOrder) set(d *shard) string { return d.keys(o.scan.Table) }

func (o *keyOrder) covers(*scanItem) bool { return true }

func (o *keyOrder) arguments(_ *shard, last string) []string {
	from, to := o.scan.Within()
	low, high := "["+from, "+"
	if to != "" {
		high = "(" + to
	}
	for _, after := range []string{o.scan.After, last} {
		switch {
		case after == "":
		case !o.scan.Reverse && after >= from:
			low = "(" + after
		case o.scan.Reverse && (to == "" || after < to):
			high = "(" + after
		}
	}
	backwards := ""
	if o.scan.Reverse {
		backwards = "rev"
	}
	return []string{"key", low, high, backwards, o.scan.Delimiter}
}

func (o *keyOrder) compare(a, b *scanItem) int {
	if o.scan.Reverse {
		a, b = b, a
	}
	return strings.Compare(a.key, b.key)
}

// after is the item's key. Of keys that are rolled up it lies between them and what
// follows; keys are UTF-8, so none has the byte 0xff.
func (o *keyOrder) after(x *scanItem) string {
	if x.group && !o.scan.Reverse {
		return x.key + "\xff"
	}
	return x.key
}
