package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// Odd keys on the other ways there are. Each belongs to its way's topic.
func oddKeyScanTests() []test {
	return []test{{name: "odd keys in every order", run: oddKeysInScans}}
}

func oddKeyIndexTests() []test {
	return []test{{name: "odd keys in indexes", needs: []Topic{Queries}, run: oddKeysInIndexes}}
}

func oddKeyChangeTests() []test {
	return []test{{name: "odd keys in feeds", run: oddKeysInFeeds}}
}

// begins lists the keys with a prefix, in their order.
func begins(keys []string, prefix string) []string {
	var some []string
	for _, key := range keys {
		if strings.HasPrefix(key, prefix) {
			some = append(some, key)
		}
	}
	return some
}

func oddKeysInScans(x *subject) {
	keys, now := oddKeys(), x.now()
	for i, key := range keys {
		x.do(living(store.ExpiresAt(now.Add(time.Duration(i+1)*hours)), put(key, number(i))))
		x.tick()
	}
	for _, limit := range []int{0, 7} {
		x.sameKeys("by change", x.scan(store.Scan{Table: things, Order: store.ByChange, Limit: limit}).Entries, keys...)
		x.sameKeys("by expiry", x.scan(store.Scan{Table: things, Order: store.ByExpiry, Limit: limit}).Entries, keys...)
	}
	sorted := slices.Sorted(slices.Values(keys))
	for i, key := range sorted {
		x.sameKeys(fmt.Sprintf("prefix %q", key), x.scan(store.Scan{Table: things, Prefix: key}).Entries, begins(sorted, key)...)
		x.sameKeys(fmt.Sprintf("up to %q", key), x.page(store.Scan{Table: things, End: key, Reverse: true, Limit: 1}).Entries, sorted[max(i-1, 0):i]...)
	}
	for _, delimiter := range []string{"{", "}", ":", "{a}", "/", "%"} {
		var alone, groups []string
		for _, key := range sorted {
			if head, _, found := strings.Cut(key, delimiter); found {
				groups = append(groups, head+delimiter)
			} else {
				alone = append(alone, key)
			}
		}
		slices.Sort(groups)
		page := x.scan(store.Scan{Table: things, Delimiter: delimiter, Limit: 9})
		x.sameKeys("beside the groups by "+delimiter, page.Entries, alone...)
		if groups = slices.Compact(groups); !slices.Equal(page.Prefixes, groups) {
			x.Fatalf("the groups by %q are %q, want %q", delimiter, page.Prefixes, groups)
		}
	}
}

func oddKeysInIndexes(x *subject) {
	keys := slices.Sorted(slices.Values(oddKeys()))
	x.index(over("by_n", store.NumberField, "/n"))
	x.index(over("by_s_n", store.StringField, "/s", "/n"))
	entries := make([]store.Entry, len(keys))
	for i, key := range keys {
		entries[i] = x.do(put(key, fmt.Sprintf(`{"n":%d,"s":%q}`, i%9, []string{"x", "y"}[i%2])))
	}
	for round := range 2 {
		for _, q := range []store.Query{
			{Filter: value.Filter{Path: "/n", Op: value.OpEq, Value: []byte(`3`)}},
			{Filter: value.Filter{Path: "/n", Op: value.OpGt, Value: []byte(`5`)}, Sort: []store.Sort{{Path: "/n", Descending: true}}},
			{Filter: value.Filter{Path: "/s", Op: value.OpEq, Value: []byte(`"x"`)}, Sort: []store.Sort{{Path: "/n"}, {Path: "$key", Descending: true}}},
			{Filter: value.Filter{Path: "$key", Op: value.OpPrefix, Value: []byte(`"{"`)}},
			{Sort: []store.Sort{{Path: "/n"}}},
		} {
			q.Table, q.Limit = things, 11
			x.heldToEvaluate(q, entries, true)
		}
		if round == 1 {
			return
		}
		for i, key := range keys { // where each gets another place, or none
			if i%4 == 0 {
				x.do(del(key))
				continue
			}
			entries[i] = x.do(merge(key, fmt.Sprintf(`{"n":%d}`, i%7)))
		}
		entries = x.everything()
	}
}

func oddKeysInFeeds(x *subject) {
	keys := slices.Sorted(slices.Values(oddKeys()))
	for _, key := range keys {
		x.do(put(key, `1`))
	}
	marks := make(map[string]store.Cursor)
	for _, key := range keys {
		marks[key] = x.feed(store.Changes{Table: things, Prefix: key}).Next
	}
	for i, key := range keys {
		if i%3 == 0 {
			x.do(del(key))
		}
	}
	for _, c := range []store.Changes{{}, {Limit: 7}} {
		c.Table = things
		x.sameChanges(c, keys)
	}
	for _, key := range keys {
		x.sameChanges(store.Changes{Table: things, Prefix: key}, begins(keys, key))
		x.sameChanges(store.Changes{Table: things, Prefix: key, Since: marks[key]}, slices.DeleteFunc(begins(keys, key), func(key string) bool { return slices.Index(keys, key)%3 != 0 }))
	}
}

// sameChanges makes sure which keys a feed shows, and that every third of all
// odd keys is deleted.
func (x *subject) sameChanges(c store.Changes, want []string) {
	x.Helper()
	all := slices.Sorted(slices.Values(oddKeys()))
	latest := make(map[string]store.Change)
	for _, change := range x.feed(c).Changes {
		latest[change.Key] = change
	}
	for _, key := range want {
		change, shown := latest[key]
		deleted, version := slices.Index(all, key)%3 == 0, int64(1)
		if deleted {
			version = 2
		}
		if !shown || change.Deleted != deleted || change.Version != version {
			x.Fatalf("the feed of %+v shows %s of %q, at all %v", c, show(change.Entry), key, shown)
		}
	}
	if len(latest) != len(want) {
		x.Fatalf("the feed of %+v shows %d keys, want %d", c, len(latest), len(want))
	}
}
