package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"larder/internal/store"
)

func scanTests() []test {
	return []test{
		{name: "prefixes are literal", run: literalPrefixes},
		{name: "start and end cut a range", run: scanRanges},
		{name: "backwards is the same in reverse", run: scanBackwards},
		{name: "pages of every size visit each key once", run: scanPages},
		{name: "keys only come without values", run: scanKeysOnly},
		{name: "a delimiter rolls up", run: scanDelimiter},
		{name: "a delimiter of many bytes rolls up", run: scanLongDelimiter},
		{name: "groups are paged through", run: scanGroupPages},
		{name: "by change", run: scanByChange},
		{name: "by change from a time on", needs: []Topic{clock}, run: scanModifiedSince},
		{name: "by expiry", run: scanByExpiry},
		{name: "paging goes on while writes go on", run: scanWhileWriting},
		{name: "scans that make no sense are refused", run: badScans},
		{name: "a token that is none harms nothing", run: scanBadToken},
		{name: "a range is deleted", run: deleteRange},
		{name: "a range of too many is left alone", run: deleteRangeTooMany},
	}
}

// fill writes these keys, each with its own name as its value.
func (x *subject) fill(keys ...string) {
	x.Helper()
	x.applyEach(keys, func(key string) store.Op { return putValue(key, opaque([]byte(key))) })
}

func literalPrefixes(x *subject) {
	keys := slices.Sorted(slices.Values(append([]string{
		"%", "%a", "_", "_a", "*", "*a", "?", "?a", "[a]", "[a]b", "a%b", "a_b", "a*b", "a?b", "aXb", "a", "ab", "A", "é", "éa", "e\u0301", `\`, `\a`, `'`, `'a`, "🙂", "🙂a", "a b", "a ", "\uffff", "\uffffa", "\U0010ffff", "\U0010ffffa",
	}, oddKeys()[:8]...)))
	x.fill(keys...)
	prefixes := append([]string{"", "%", "_", "*", "?", "[", "[a]", "a%", "a_", "a*", "a?", "a", "aX", "A", "é", "e", `\`, `'`, "🙂", "a ", "a/", "/", "//", "\uffff", "\U0010ffff", "none", "a%2", strings.Repeat("k", store.MaxKeyBytes)}, keys...)
	for _, prefix := range prefixes {
		var want []string
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		x.sameKeys(fmt.Sprintf("prefix %q", prefix), x.scan(store.Scan{Table: things, Prefix: prefix}).Entries, want...)
		slices.Reverse(want)
		x.sameKeys(fmt.Sprintf("prefix %q backwards", prefix), x.scan(store.Scan{Table: things, Prefix: prefix, Reverse: true, Limit: 2}).Entries, want...)
	}
}

func scanRanges(x *subject) {
	keys := []string{"a", "a/", "a/1", "a/2", "a0", "b", "c", "é", "🙂"}
	x.fill(keys...)
	bounds := append([]string{"", "0", "a/1 ", "zz", "\U0010ffff"}, keys...)
	for _, start := range bounds {
		for _, end := range bounds {
			for _, prefix := range []string{"", "a", "a/"} {
				var want []string
				for _, key := range keys {
					if key >= start && (end == "" || key < end) && strings.HasPrefix(key, prefix) {
						want = append(want, key)
					}
				}
				s := store.Scan{Table: things, Start: start, End: end, Prefix: prefix, Limit: 3}
				x.sameKeys(fmt.Sprintf("%+v", s), x.scan(s).Entries, want...)
				s.Reverse = true
				slices.Reverse(want)
				x.sameKeys(fmt.Sprintf("%+v", s), x.scan(s).Entries, want...)
			}
		}
	}
}

func scanBackwards(x *subject) {
	keys := slices.Sorted(slices.Values(oddKeys()))
	x.fill(keys...)
	slices.Reverse(keys)
	x.sameKeys("all at once", x.scan(store.Scan{Table: things, Reverse: true}).Entries, keys...)
	x.sameKeys("in pages", x.scan(store.Scan{Table: things, Reverse: true, Limit: 7}).Entries, keys...)
	x.sameKeys("the last", x.page(store.Scan{Table: things, Reverse: true, Limit: 1}).Entries, keys[0])
}

func scanPages(x *subject) {
	var keys []string
	for i := range 25 {
		keys = append(keys, fmt.Sprintf("%02d", i))
	}
	x.fill(keys...)
	for _, limit := range []int{0, 1, 2, 5, 24, 25, 26, x.limits.MaxPage} {
		for _, order := range []store.Order{store.ByKey, store.ByChange} {
			s := store.Scan{Table: things, Order: order, Limit: limit}
			got := x.scan(s).Entries
			slices.SortFunc(got, byKey)
			x.sameKeys(fmt.Sprintf("%+v", s), got, keys...)
		}
	}
	for _, limit := range []int{1, 5, 24} {
		if page := x.page(store.Scan{Table: things, Limit: limit}); len(page.Entries) != limit || page.Next == "" {
			x.Fatalf("a page of %d has %d entries and goes on at %q", limit, len(page.Entries), page.Next)
		}
	}
	for _, limit := range []int{25, 26} {
		if page := x.page(store.Scan{Table: things, Limit: limit}); len(page.Entries) != 25 || page.Next != "" {
			x.Fatalf("the only page of up to %d has %d entries and goes on at %q", limit, len(page.Entries), page.Next)
		}
	}
	if page := x.page(store.Scan{Table: "never"}); len(page.Entries) != 0 || page.Next != "" {
		x.Fatalf("a table that was never written has the page %+v", page)
	}
}

func scanKeysOnly(x *subject) {
	x.do(tagged(map[string]string{"a": "b"}, living(store.ExpiresIn(hours), put("json", `{"n":1}`))))
	x.tick()
	x.do(putValue("opaque", opaque([]byte{1, 2})))
	for _, order := range []store.Order{store.ByKey, store.ByChange} {
		got := x.scan(store.Scan{Table: things, KeysOnly: true, Order: order}).Entries
		want := []store.Entry{x.present("json").WithoutValue(), x.present("opaque").WithoutValue()}
		if diff := compareEntries(got, want); diff != "" {
			x.Fatalf("keys only: %s", diff)
		}
	}
}

// groups makes sure of what a scan finds.
func (x *subject) groups(s store.Scan, keys, prefixes string) {
	x.Helper()
	s.Table = things
	page := x.scan(s)
	if got := strings.Join(keysOf(page.Entries), " "); got != keys {
		x.Fatalf("%+v: the keys are %q, want %q", s, got, keys)
	}
	if got := strings.Join(page.Prefixes, " "); got != prefixes {
		x.Fatalf("%+v: the groups are %q, want %q", s, got, prefixes)
	}
}

func scanDelimiter(x *subject) {
	x.fill("a", "a/", "a/1", "a/2", "a/b/1", "a/b/2", "a/c/1", "b", "b/1", "c//1", "/x", "é/1", "🙂/1")
	x.groups(store.Scan{Delimiter: "/"}, "a b", "/ a/ b/ c/ é/ 🙂/")
	x.groups(store.Scan{Delimiter: "/", Reverse: true}, "b a", "🙂/ é/ c/ b/ a/ /")
	x.groups(store.Scan{Delimiter: "/", Prefix: "a"}, "a", "a/")
	x.groups(store.Scan{Delimiter: "/", Prefix: "a/"}, "a/ a/1 a/2", "a/b/ a/c/")
	x.groups(store.Scan{Delimiter: "/", Prefix: "a/", Reverse: true}, "a/2 a/1 a/", "a/c/ a/b/")
	x.groups(store.Scan{Delimiter: "/", Prefix: "a/b/"}, "a/b/1 a/b/2", "")
	x.groups(store.Scan{Delimiter: "/", Prefix: "c/"}, "", "c//")
	x.groups(store.Scan{Delimiter: "/", Start: "a/c", End: "b"}, "", "a/")
	x.groups(store.Scan{Delimiter: "/", Start: "b"}, "b", "b/ c/ é/ 🙂/")
	x.groups(store.Scan{Delimiter: "none"}, "/x a a/ a/1 a/2 a/b/1 a/b/2 a/c/1 b b/1 c//1 é/1 🙂/1", "")
	x.do(del("b/1"))
	x.groups(store.Scan{Delimiter: "/", Prefix: "b"}, "b", "")
}

func scanLongDelimiter(x *subject) {
	x.fill("a::1", "a::2", "a:1", "b::", "b::::1", "c:::1", "x→y", "x→z", "xy", "e\u0301f")
	x.groups(store.Scan{Delimiter: "::"}, "a:1 e\u0301f xy x→y x→z", "a:: b:: c::")
	x.groups(store.Scan{Delimiter: "::", Prefix: "b::"}, "b::", "b::::")
	x.groups(store.Scan{Delimiter: "::", Prefix: "a:"}, "a:1 a::1 a::2", "")
	x.groups(store.Scan{Delimiter: "→"}, "a:1 a::1 a::2 b:: b::::1 c:::1 e\u0301f xy", "x→")
	x.groups(store.Scan{Delimiter: "\u0301"}, "a:1 a::1 a::2 b:: b::::1 c:::1 xy x→y x→z", "e\u0301")
}

func scanGroupPages(x *subject) {
	var keys []string
	for dir := range 6 {
		keys = append(keys, fmt.Sprintf("file%d", dir))
		for file := range 7 {
			keys = append(keys, fmt.Sprintf("dir%d/%d", dir, file))
		}
	}
	x.fill(keys...)
	for limit := 1; limit <= 13; limit++ {
		s := store.Scan{Delimiter: "/", Limit: limit}
		x.groups(s, "file0 file1 file2 file3 file4 file5", "dir0/ dir1/ dir2/ dir3/ dir4/ dir5/")
		s.Reverse = true
		x.groups(s, "file5 file4 file3 file2 file1 file0", "dir5/ dir4/ dir3/ dir2/ dir1/ dir0/")
	}
}

func scanByChange(x *subject) {
	for _, op := range []store.Op{
		put("a", `1`), put("b", `1`), put("c", `1`), put("d", `1`), put("gone", `1`), put("a", `2`), merge("c", `{}`), del("gone"), expire("b", store.ExpiresIn(hours)), del("d"), put("d", `2`), del("none"), check("a", ifExists),
	} {
		x.do(op)
		x.tick()
	}
	for _, limit := range []int{0, 1, 3} {
		x.sameKeys("by change", x.scan(store.Scan{Table: things, Order: store.ByChange, Limit: limit}).Entries, "a", "c", "b", "d")
	}
	x.sameKeys("by change, of a prefix", x.scan(store.Scan{Table: things, Order: store.ByChange, Prefix: "c"}).Entries, "c")
	x.sameKeys("by change, in a range", x.scan(store.Scan{Table: things, Order: store.ByChange, Start: "b", End: "d"}).Entries, "c", "b")
	x.sameKeys("by change, from later on", x.scan(store.Scan{Table: things, Order: store.ByChange, ModifiedSince: x.now().Add(hours)}).Entries)
}

func scanModifiedSince(x *subject) {
	for _, key := range []string{"a", "b", "c", "d"} {
		x.do(put(key, `1`))
		x.h.Advance(x.s, hours)
	}
	since := func(s store.Scan) []store.Entry {
		s.Table, s.Order = things, store.ByChange
		return x.scan(s).Entries
	}
	at := x.present("c").UpdatedAt
	x.sameKeys("the time itself is within", since(store.Scan{ModifiedSince: at}), "c", "d")
	x.sameKeys("a moment later", since(store.Scan{ModifiedSince: at.Add(time.Microsecond)}), "d")
	x.do(put("a", `2`))
	x.sameKeys("what was changed again", since(store.Scan{ModifiedSince: at, Limit: 1}), "c", "d", "a")
	x.sameKeys("of a prefix", since(store.Scan{ModifiedSince: at, Prefix: "a"}), "a")
}

func scanByExpiry(x *subject) {
	now := x.now()
	for key, after := range map[string]int{"first": 1, "second": 2, "third": 3, "fourth": 4, "a fifth": 5} {
		x.do(living(store.ExpiresAt(now.Add(time.Duration(after)*hours)), put(key, `1`)))
	}
	x.do(put("never", `1`))
	soonest := func(s store.Scan) []store.Entry {
		s.Table, s.Order = things, store.ByExpiry
		return x.scan(s).Entries
	}
	for _, limit := range []int{0, 1, 2} {
		x.sameKeys("by expiry", soonest(store.Scan{Limit: limit}), "first", "second", "third", "fourth", "a fifth")
	}
	x.sameKeys("before the third", soonest(store.Scan{ExpiringBefore: x.present("third").ExpiresAt}), "first", "second")
	x.sameKeys("of a prefix", soonest(store.Scan{Prefix: "f"}), "first", "fourth")
	x.do(expire("first", store.NeverExpires()))
	x.do(expire("second", store.ExpiresAt(now.Add(9*hours))))
	x.do(del("third"))
	x.sameKeys("after some moved", soonest(store.Scan{}), "fourth", "a fifth", "second")
	x.do(expire("a fifth", store.ExpiresAt(x.present("fourth").ExpiresAt)))
	x.sameKeys("where two end together", soonest(store.Scan{Limit: 1}), "a fifth", "fourth", "second")
}

// scanWhileWriting pages through keys that stay, while others come and go.
func scanWhileWriting(x *subject) {
	var stay []string
	for i := range 40 {
		stay = append(stay, fmt.Sprintf("%02d stays", i))
	}
	x.fill(stay...)
	for _, s := range []store.Scan{{Limit: 3}, {Limit: 3, Reverse: true}, {Limit: 1}} {
		s.Table = things
		seen := map[string]int{}
		for round := 0; ; round++ {
			page := x.page(s)
			for _, e := range page.Entries {
				seen[e.Key]++
			}
			if page.Next == "" {
				break
			}
			s.After = page.Next
			last := page.Entries[len(page.Entries)-1].Key
			x.do(put(fmt.Sprintf("%02d comes", round%40), `1`))
			x.do(del(fmt.Sprintf("%02d comes", (round+38)%40)))
			x.do(putValue(stay[round%40], opaque([]byte("again"))))
			if !strings.HasSuffix(last, "stays") {
				x.do(del(last)) // where the page ended, there is nothing any more
			}
		}
		for _, key := range stay {
			if seen[key] != 1 {
				x.Fatalf("%+v: %q was visited %d times", s, key, seen[key])
			}
		}
		for key, times := range seen {
			if times > 1 {
				x.Fatalf("%+v: %q was visited %d times", s, key, times)
			}
		}
	}
}

func badScans(x *subject) {
	now := x.now()
	long := strings.Repeat("k", store.MaxKeyBytes+1)
	for _, s := range []store.Scan{
		{Limit: -1},
		{Limit: x.limits.MaxPage + 1},
		{Order: store.ByExpiry + 1},
		{Order: store.ByChange, Reverse: true},
		{Order: store.ByExpiry, Reverse: true},
		{Order: store.ByChange, Delimiter: "/"},
		{Order: store.ByExpiry, Delimiter: "/"},
		{ModifiedSince: now},
		{Order: store.ByExpiry, ModifiedSince: now},
		{ExpiringBefore: now},
		{Order: store.ByChange, ExpiringBefore: now},
		{Prefix: long},
		{Start: long},
		{End: long},
		{Delimiter: long},
		{Prefix: "\x00"},
		{Start: "a\n"},
		{End: "\x7f"},
		{Delimiter: "\t"},
	} {
		s.Table = things
		_, err := x.s.Scan(x.Context(), s)
		x.expect(fmt.Sprintf("Scan(%.200v)", s), err, store.InvalidScan)
	}
	if x.lacks(InvalidText) {
		return
	}
	for _, text := range textsNotUTF8() {
		for _, s := range []store.Scan{{Prefix: text}, {Start: text}, {End: text}, {Delimiter: text}} {
			s.Table = things
			_, err := x.s.Scan(x.Context(), s)
			x.expect(fmt.Sprintf("Scan with %+q", text), err, store.InvalidScan)
		}
	}
}

func scanBadToken(x *subject) {
	x.fill("a", "b", "c")
	for _, order := range []store.Order{store.ByKey, store.ByChange, store.ByExpiry} {
		for _, token := range []string{"x", "%", "0", "-1", "99999999999999999999", "bm9uZQ", "==", strings.Repeat("A", 3000), "🙂"} {
			_, err := x.s.Scan(x.Context(), store.Scan{Table: things, Order: order, After: token})
			if code := store.CodeOf(err); code != "" && code != store.InvalidCursor {
				x.Fatalf("a scan after %.40q failed with %v", token, err)
			}
		}
	}
	x.sameKeys("scan", x.everything(), "a", "b", "c")
}

func deleteRange(x *subject) {
	x.fill("a", "a/1", "a/2", "a0", "b", "b%", "b_")
	for _, removal := range []struct {
		store.Removal
		n    int64
		left []string
	}{
		{store.Removal{Prefix: "a/", DryRun: true}, 2, []string{"a", "a/1", "a/2", "a0", "b", "b%", "b_"}},
		{store.Removal{Prefix: "a/"}, 2, []string{"a", "a0", "b", "b%", "b_"}},
		{store.Removal{Prefix: "a/"}, 0, []string{"a", "a0", "b", "b%", "b_"}},
		{store.Removal{Prefix: "b%", Most: 1}, 1, []string{"a", "a0", "b", "b_"}},
		{store.Removal{Start: "a0", End: "b_"}, 2, []string{"a", "b_"}},
		{store.Removal{}, 2, nil},
	} {
		removal.Table = things
		n, err := store.DeleteRange(x.Context(), x.s, removal.Removal)
		x.expect(fmt.Sprintf("%+v", removal.Removal), err, "")
		if n != removal.n {
			x.Fatalf("%+v deleted %d", removal.Removal, n)
		}
		x.sameKeys(fmt.Sprintf("after %+v", removal.Removal), x.everything(), removal.left...)
	}
	var many []string
	for i := range x.limits.MaxOperations + 7 {
		many = append(many, fmt.Sprintf("many/%06d", i))
	}
	x.fill(many...)
	x.fill("stays")
	n, err := store.DeleteRange(x.Context(), x.s, store.Removal{Table: things, Prefix: "many/"})
	x.expect("DeleteRange", err, "")
	if n != int64(len(many)) {
		x.Fatalf("%d were deleted, want %d", n, len(many))
	}
	x.sameKeys("after deleting many", x.everything(), "stays")
}

func deleteRangeTooMany(x *subject) {
	x.fill("a", "b", "c")
	for _, dry := range []bool{true, false} {
		n, err := store.DeleteRange(x.Context(), x.s, store.Removal{Table: things, Most: 2, DryRun: dry})
		x.expect("DeleteRange", err, store.TooManyAffected)
		if n != 0 {
			x.Fatalf("%d were deleted", n)
		}
	}
	x.sameKeys("scan", x.everything(), "a", "b", "c")
}
