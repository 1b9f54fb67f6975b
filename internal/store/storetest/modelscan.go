package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"larder/internal/store"
)

// scanItem is an entry, or a group of keys rolled up into one prefix. Items
// are sorted by place, which is also what a page ends with.
type scanItem struct {
	place string
	entry store.Entry
	group bool
}

// Scan implements [store.Store].
func (m *Model) Scan(ctx context.Context, s store.Scan) (store.Page, error) {
	if err := s.Validate(m.options.Limits); err != nil {
		return store.Page{}, m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return store.Page{}, err
	}
	defer m.mu.Unlock()

	var items []scanItem
	for _, e := range m.existing(s.Table, m.now()) {
		if !s.Covers(e.Key) {
			continue
		}
		item, wanted := m.scanItem(s, e)
		repeats := len(items) > 0 && item.group && items[len(items)-1].place == item.place
		if wanted && !repeats {
			items = append(items, item)
		}
	}
	order := func(a, b scanItem) int { return cmp.Compare(a.place, b.place) }
	if s.Reverse {
		order = func(a, b scanItem) int { return cmp.Compare(b.place, a.place) }
	}
	slices.SortFunc(items, order)
	if s.After != "" {
		items = slices.DeleteFunc(items, func(i scanItem) bool { return order(i, scanItem{place: s.After}) <= 0 })
	}
	return scanPage(s, items, s.PageLimit(m.options.Limits)), nil
}

// scanItem gives an entry its place in the scan's order, if it has one there.
func (m *Model) scanItem(s store.Scan, e store.Entry) (item scanItem, wanted bool) {
	switch s.Order {
	case store.ByChange:
		number := m.table(s.Table).records[e.Key].number
		return scanItem{place: fmt.Sprintf("%020d", number), entry: e}, !e.UpdatedAt.Before(s.ModifiedSince)
	case store.ByExpiry:
		within := s.ExpiringBefore.IsZero() || e.ExpiresAt.Before(s.ExpiringBefore)
		place := fmt.Sprintf("%020d ", e.ExpiresAt.UnixMicro()) + e.Key
		return scanItem{place: place, entry: e}, within && !e.ExpiresAt.IsZero()
	}
	if s.Delimiter != "" {
		rest := strings.TrimPrefix(e.Key, s.Prefix)
		if head, _, found := strings.Cut(rest, s.Delimiter); found {
			return scanItem{place: s.Prefix + head + s.Delimiter, group: true}, true
		}
	}
	return scanItem{place: e.Key, entry: e}, true
}

func scanPage(s store.Scan, items []scanItem, limit int) store.Page {
	var page store.Page
	if len(items) > limit {
		items = items[:limit]
		page.Next = items[limit-1].place
	}
	for _, i := range items {
		switch {
		case i.group:
			page.Prefixes = append(page.Prefixes, i.place)
		case s.KeysOnly:
			page.Entries = append(page.Entries, i.entry.WithoutValue())
		default:
			page.Entries = append(page.Entries, i.entry)
		}
	}
	return page
}

func byKey(a, b store.Entry) int { return cmp.Compare(a.Key, b.Key) }
