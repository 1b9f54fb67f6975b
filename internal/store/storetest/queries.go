package storetest

import (
	"fmt"
	"slices"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

func queryTests() []test {
	return []test{
		{name: "the vectors", run: func(x *subject) { x.loadSets(); x.queryVectors() }},
		{name: "the vectors in pages", run: func(x *subject) { x.loadSets(); x.queryVectorsInPages() }},
		{name: "entries come whole", run: queriedEntriesAreWhole},
		{name: "a table that was never written", run: queryNothing},
		{name: "paging goes on while writes go on", run: queryWhileWriting},
		{name: "bad bounds are refused", run: badQueryBounds},
		{name: "a position of another sort is refused", needs: []Topic{QueryPositions}, run: positionOfAnotherSort},
		{name: "a position goes on after any key", needs: []Topic{QueryPositions}, run: positionOfNoEntry},
		{name: "what looks at too much is refused", needs: []Topic{QueryBudgets}, run: queryTooExpensive},
	}
}

// loadSets writes the documents of the vectors.
func (x *subject) loadSets() {
	x.Helper()
	for table, documents := range QueryCases().Sets {
		for _, d := range documents {
			op := store.Op{Kind: store.Put, Ref: store.Ref{Table: table, Key: d.Key}, Metadata: d.Metadata}
			if d.Bytes != nil {
				op.Value = opaque([]byte(*d.Bytes))
			} else {
				op.Value = doc(string(d.Value))
			}
			if d.TTLHours > 0 {
				op.Expiry = store.ExpiresIn(time.Duration(d.TTLHours) * time.Hour)
			}
			for range max(d.Writes, 1) {
				x.do(op)
			}
		}
	}
}

// search asks the store a query that has to succeed.
func (x *subject) search(q store.Query) store.Found {
	x.Helper()
	searcher, ok := store.As[store.Searcher](x.s)
	if !ok {
		x.Fatal("the store can't search")
	}
	found, err := searcher.Search(x.Context(), q)
	if err != nil {
		x.Fatalf("Search(%+v): %v", q, err)
	}
	if n := len(found.Entries); n > 0 && q.Limit > 0 && n > q.Limit {
		x.Fatalf("Search(%+v) gave %d entries", q, n)
	}
	if m := found.Plan.Mode; m != store.ByIndex && m != store.ByPushdown && m != store.ByScan {
		x.Fatalf("Search(%+v) was answered by %q", q, m)
	}
	return found
}

// searchAll follows the pages of a query to the end.
func (x *subject) searchAll(q store.Query) []store.Entry {
	x.Helper()
	var all []store.Entry
	for {
		found := x.search(q)
		all = append(all, found.Entries...)
		if found.Next == nil {
			return all
		}
		if len(found.Entries) == 0 {
			x.Fatalf("Search(%+v) gave an empty page that is not the last", q)
		}
		q.After, q.Offset = found.Next, 0
	}
}

// count asks the store how many match.
func (x *subject) count(q store.Query) int {
	x.Helper()
	searcher, ok := store.As[store.Searcher](x.s)
	if !ok {
		x.Fatal("the store can't count")
	}
	counted, err := searcher.Count(x.Context(), q)
	if err != nil {
		x.Fatalf("Count(%+v): %v", q, err)
	}
	return int(counted.Count)
}

func (x *subject) queryVectors() {
	x.Helper()
	searcher, _ := store.As[store.Searcher](x.s)
	for _, v := range QueryCases().Queries {
		q, err := v.Query()
		if v.Code != "" {
			if err == nil {
				_, err = searcher.Search(x.Context(), q)
			}
			x.expect(v.Name, err, store.Code(v.Code))
			continue
		}
		x.expect(v.Name, err, "")
		found := x.search(q)
		if !slices.Equal(keysOf(found.Entries), v.Keys) {
			x.Errorf("%q on %s finds %q, want %q", v.Name, v.On, keysOf(found.Entries), v.Keys)
			continue
		}
		for i, e := range found.Entries {
			want := x.read(e.Ref)[0].Value
			if v.Values != nil {
				want = doc(string(v.Values[i]))
			}
			if !e.Value.Equal(want) {
				x.Errorf("%q on %s gives %q of %q, want %q", v.Name, v.On, e.Value.Data, e.Key, want.Data)
			}
		}
		if n, want := x.count(q), max(v.Count, len(v.Keys)); n != want {
			x.Errorf("%q on %s counts %d, want %d", v.Name, v.On, n, want)
		}
	}
}

func (x *subject) queryVectorsInPages() {
	x.Helper()
	for _, v := range QueryCases().Queries {
		if v.Code != "" || v.Limit != 0 {
			continue
		}
		q, err := v.Query()
		x.expect(v.Name, err, "")
		for _, limit := range []int{1, 2, 3, max(len(v.Keys), 1)} {
			q.Limit = limit
			if got := keysOf(x.searchAll(q)); !slices.Equal(got, v.Keys) {
				x.Errorf("%q on %s, in pages of %d, finds %q, want %q", v.Name, v.On, limit, got, v.Keys)
			}
		}
	}
}

func queriedEntriesAreWhole(x *subject) {
	x.do(tagged(map[string]string{"tier": "gold"}, living(store.ExpiresIn(hours), put("a", `{"n":1,"m":[1,2]}`))))
	x.do(put("b", `{"n":1}`))
	x.do(put("b", `{"n":1,"m":9007199254740993}`))
	x.do(tagged(map[string]string{"tier": "gold"}, putValue("c", opaque([]byte{0, 255}))))
	want := x.everything()
	if diff := compareEntries(x.search(store.Query{Table: things}).Entries, want); diff != "" {
		x.Fatal(diff)
	}
	if diff := compareEntries(x.search(store.Query{Table: things, Sort: []store.Sort{{Path: "/n"}}, Select: []value.Pointer{pointer("")}}).Entries, append(want[2:3:3], want[:2]...)); diff != "" {
		x.Fatal(diff)
	}
	selected := x.search(store.Query{Table: things, Select: []value.Pointer{pointer("/m")}}).Entries
	for i, text := range []string{`{"m":[1,2]}`, `{"m":9007199254740993}`} {
		want[i].Value = doc(text)
	}
	if diff := compareEntries(selected, want); diff != "" {
		x.Fatalf("selected: %s", diff)
	}
}

func queryNothing(x *subject) {
	q := store.Query{Table: "never", Filter: value.Filter{Path: "/a", Op: value.OpExists}, Sort: []store.Sort{{Path: "/a"}}}
	if found := x.search(q); len(found.Entries) != 0 || found.Next != nil {
		x.Fatalf("found %+v", found)
	}
	if n := x.count(q); n != 0 {
		x.Fatalf("counted %d", n)
	}
	x.tables()
}

// queryWhileWriting pages through entries that stay as they are, while others
// come, go and move.
func queryWhileWriting(x *subject) {
	var stay []string
	for i := range 30 {
		key := fmt.Sprintf("%02d stays", i)
		stay = append(stay, key)
		x.do(put(key, fmt.Sprintf(`{"n":%d}`, i/3)))
	}
	q := store.Query{Table: things, Sort: []store.Sort{{Path: "/n", Descending: true}}, Limit: 4}
	seen := map[string]int{}
	for round := 0; ; round++ {
		found := x.search(q)
		for _, e := range found.Entries {
			seen[e.Key]++
		}
		if found.Next == nil {
			break
		}
		q.After = found.Next
		last := found.Entries[len(found.Entries)-1]
		x.do(put(fmt.Sprintf("%02d comes", round), fmt.Sprintf(`{"n":%d}`, round)))
		if !slices.Contains(stay, last.Key) {
			x.do(del(last.Key)) // where the page ended, there is nothing any more
		}
	}
	for _, key := range stay {
		if seen[key] != 1 {
			x.Fatalf("%q was found %d times", key, seen[key])
		}
	}
}

func badQueryBounds(x *subject) {
	searcher, _ := store.As[store.Searcher](x.s)
	for _, q := range []store.Query{
		{Table: things, Limit: -1},
		{Table: things, Limit: x.limits.MaxPage + 1},
		{Table: things, Offset: -1},
		{Table: things, Offset: store.MaxOffset + 1},
		{Table: things, Sort: make([]store.Sort, store.MaxSorts+1)},
		{Table: things, Select: make([]value.Pointer, store.MaxSelect+1)},
		{Table: things, Sort: []store.Sort{{Path: "n"}}},
	} {
		_, err := searcher.Search(x.Context(), q)
		x.expect(fmt.Sprintf("Search(%.200v)", q), err, store.InvalidQuery)
	}
	for _, table := range []string{"", "a/b", ".."} {
		_, err := searcher.Search(x.Context(), store.Query{Table: table})
		x.expect("Search of table "+table, err, store.InvalidTable)
		_, err = searcher.Count(x.Context(), store.Query{Table: table})
		x.expect("Count of table "+table, err, store.InvalidTable)
	}
	_, err := searcher.Count(x.Context(), store.Query{Table: things, Filter: value.Filter{Path: "/a", Op: "none"}})
	x.expect("Count by an unknown operator", err, store.InvalidQuery)
}

func positionOfAnotherSort(x *subject) {
	x.apply(put("a", `{"n":1}`), put("b", `{"n":2}`))
	q := store.Query{Table: things, Sort: []store.Sort{{Path: "/n"}}, Limit: 1}
	q.After, q.Sort = x.search(q).Next, nil
	searcher, _ := store.As[store.Searcher](x.s)
	_, err := searcher.Search(x.Context(), q)
	x.expect("a position of another sort", err, store.InvalidCursor)
}

func positionOfNoEntry(x *subject) {
	for i, key := range []string{"a", "b", "c", "d"} {
		x.do(put(key, fmt.Sprintf(`{"n":%d}`, i/2)))
	}
	after := func(sort string, p store.Position) []store.Entry {
		q := store.Query{Table: things, After: &p}
		if sort != "" {
			q.Sort = []store.Sort{{Path: sort}}
		}
		return x.search(q).Entries
	}
	x.sameKeys("after a key that never was", after("", store.Position{Key: "bb"}), "c", "d")
	x.sameKeys("after a number that is none's", after("/n", store.Position{Sort: []value.Value{doc(`0.5`)}, Key: "zzz"}), "c", "d")
	x.sameKeys("among equals", after("/n", store.Position{Sort: []value.Value{doc(`0`)}, Key: "a"}), "b", "c", "d")
	x.sameKeys("after what is missing", after("/n", store.Position{Sort: []value.Value{{}}, Key: "zzz"}), "a", "b", "c", "d")
	x.sameKeys("after all", after("/n", store.Position{Sort: []value.Value{doc(`{}`)}, Key: ""}))
}

func queryTooExpensive(x *subject) {
	var keys []string
	for i := range 20 {
		keys = append(keys, fmt.Sprintf("%02d", i))
	}
	x.applyEach(keys, func(key string) store.Op { return put(key, `{"n":1}`) })
	q := store.Query{Table: things, Filter: value.Filter{Path: "/n", Op: value.OpEq, Value: []byte(`2`)}, Budget: 10}
	searcher, _ := store.As[store.Searcher](x.s)
	_, err := searcher.Search(x.Context(), q)
	x.expect("Search", err, store.QueryTooExpensive)
	_, err = searcher.Count(x.Context(), q)
	x.expect("Count", err, store.QueryTooExpensive)
	q.Budget = 20
	if found := x.search(q); len(found.Entries) != 0 {
		x.Fatalf("found %q", keysOf(found.Entries))
	}
}
