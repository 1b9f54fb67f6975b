package storetest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"larder/internal/store"
)

// Changes implements [store.Store].
func (m *Model) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if err := c.Validate(m.options.Limits); err != nil {
		return store.Feed{}, m.fail(err)
	}
	timer := time.NewTimer(c.Wait)
	defer timer.Stop()
	for {
		feed, woken, err := m.changes(ctx, c)
		if err != nil || len(feed.Changes) > 0 || c.Wait <= 0 {
			return feed, err
		}
		c.Since, c.FromNow = feed.Next, false
		select {
		case <-woken:
		case <-timer.C:
			return feed, nil
		case <-ctx.Done():
			return store.Feed{}, m.fail(ctx.Err())
		}
	}
}

// changes gives the page there is now, and what is closed at the next change.
func (m *Model) changes(ctx context.Context, c store.Changes) (store.Feed, <-chan struct{}, error) {
	if err := m.enter(ctx); err != nil {
		return store.Feed{}, nil, err
	}
	defer m.mu.Unlock()
	since, began, err := m.position(c.Since)
	if err != nil {
		return store.Feed{}, nil, m.fail(err)
	}
	if c.FromNow {
		since = m.last
	}
	records := m.changedSince(since, c)
	feed := store.Feed{Next: cursor(m.last, began), Horizon: store.Horizon(m.last + 1), Now: m.now()}
	if limit := c.PageLimit(m.options.Limits); len(records) > limit {
		records = records[:limit]
		last := records[limit-1].number
		feed.Next, feed.Horizon, feed.More = cursor(last, began), store.Horizon(last+1), true
	}
	for _, r := range records {
		e := r.entry
		if c.KeysOnly {
			e = e.WithoutValue()
		}
		feed.Changes = append(feed.Changes, store.Change{Entry: e, Cursor: cursor(r.number, began)})
	}
	return feed, m.woken, nil
}

func (m *Model) changedSince(since uint64, c store.Changes) []modelRecord {
	var records []modelRecord
	for name, t := range m.tables {
		if c.Table != "" && c.Table != name {
			continue
		}
		for key, r := range t.records {
			if r.number > since && strings.HasPrefix(key, c.Prefix) {
				records = append(records, r)
			}
		}
	}
	slices.SortFunc(records, byNumber)
	return records
}

func byNumber(a, b modelRecord) int { return cmp.Compare(a.number, b.number) }

// cursor is the number of the last change a reader has seen and, while it has not
// come that far, the last there was when it began at the beginning.
func cursor(number, began uint64) store.Cursor {
	text := strconv.FormatUint(number, 10)
	if began > number {
		text += "." + strconv.FormatUint(began, 10)
	}
	return store.Cursor(text)
}

func (m *Model) position(c store.Cursor) (number, began uint64, err error) {
	if c == "" {
		return 0, m.last, nil
	}
	text, end, reading := strings.Cut(string(c), ".")
	number, err = strconv.ParseUint(text, 10, 64)
	if err == nil && reading {
		began, err = strconv.ParseUint(end, 10, 64)
	}
	reach := max(number, began)
	switch {
	case err != nil:
		return 0, 0, &store.Error{Code: store.InvalidCursor, Field: "since", Detail: "this is no cursor of a change feed", Err: err}
	case reach < m.forgotten || reach > m.last:
		return 0, 0, &store.Error{Code: store.Compacted, Field: "since", Detail: "the feed does not reach back to this cursor"}
	}
	return number, began, nil
}
