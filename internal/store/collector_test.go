package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"larder/internal/store"
	"larder/internal/value"
)

// TestCollector holds pages that are collected from matches in any order to
// those of the plain evaluator.
func TestCollector(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []store.Entry
		for i := range rapid.IntRange(0, 30).Draw(t, "entries") {
			e := written(fmt.Sprintf(`{"n":%d,"s":"%d"}`, rapid.IntRange(0, 4).Draw(t, "n"), rapid.IntRange(0, 9).Draw(t, "s")))
			e.Key = fmt.Sprintf("%02d", i)
			entries = append(entries, e)
		}
		entries = rapid.Permutation(entries).Draw(t, "order")
		q := store.Query{
			Table: "users", Limit: rapid.IntRange(1, 7).Draw(t, "limit"),
			Sort: []store.Sort{{Path: "/n", Descending: rapid.Bool().Draw(t, "descending")}, {Path: "/s"}}[:rapid.IntRange(0, 2).Draw(t, "sorts")],
		}
		if rapid.Bool().Draw(t, "in the middle") {
			q.After = drawPosition(t, q)
		} else {
			q.Offset = rapid.IntRange(0, 9).Draw(t, "offset")
		}
		want, err := store.Evaluate(q, entries, store.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "in any order", collect(t, q, entries, false), want)
		all, err := store.Evaluate(store.Query{Table: q.Table, Sort: q.Sort}, entries, store.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "in their order", collect(t, q, all.Entries, true), want)
	})
}

// TestCollectorTakesBack has matches come and go in any order, and holds the page
// to the plain evaluator's over those that are left, as long as it is known.
func TestCollectorTakesBack(t *testing.T) {
	known := 0
	rapid.Check(t, func(t *rapid.T) {
		q := store.Query{Table: "users", Limit: rapid.IntRange(1, 4).Draw(t, "limit"), Sort: []store.Sort{{Path: "/n", Descending: rapid.Bool().Draw(t, "descending")}}}
		if rapid.Bool().Draw(t, "in the middle") {
			q.After = drawPosition(t, q)
		} else {
			q.Offset = rapid.IntRange(0, 3).Draw(t, "offset")
		}
		c, err := q.Compile(store.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		spare := rapid.IntRange(0, 8).Draw(t, "spare")
		top := c.CollectSpare(spare)
		present := make(map[string]store.Entry)
		struck := 0
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			e := written(fmt.Sprintf(`{"n":%d}`, rapid.IntRange(0, 4).Draw(t, "n")))
			e.Key = fmt.Sprintf("%02d", rapid.IntRange(0, 20).Draw(t, "key"))
			if _, there := present[e.Key]; there {
				top.Strike(func(o store.Entry) bool { return o.Key == e.Key })
				delete(present, e.Key)
				if struck++; rapid.Bool().Draw(t, "for good") {
					continue
				}
			}
			if !top.Add(e) {
				t.Fatal("in any order none is said to count")
			}
			present[e.Key] = e
		}
		if !top.IsComplete() {
			if struck <= spare {
				t.Fatalf("%d were taken back, and %d spare ones do not do", struck, spare)
			}
			return
		}
		known++
		left := slices.Collect(maps.Values(present))
		want, err := store.Evaluate(q, left, store.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if all := q.Offset + q.Limit; top.IsFull() != (q.After == nil && len(left) > all || q.After != nil && want.Next != nil) {
			t.Fatalf("of %d the page is said to be full: %t", len(left), top.IsFull())
		}
		again := c.Collect(false)
		for _, e := range top.Entries() {
			again.Add(e)
		}
		same(t, "what was kept", again.Found(), want)
		same(t, "the page", top.Found(), want)
	})
	if known < 20 {
		t.Errorf("only %d pages were known", known)
	}
}

func drawPosition(t *rapid.T, q store.Query) *store.Position {
	p := &store.Position{Key: fmt.Sprintf("%02d", rapid.IntRange(0, 30).Draw(t, "key"))}
	for range q.Sort {
		p.Sort = append(p.Sort, rapid.SampledFrom([]value.Value{{}, value.MustParse(`0`), value.MustParse(`2`), value.MustParse(`"5"`)}).Draw(t, "sort"))
	}
	return p
}

// collect stops where the collector says that no more can count.
func collect(t *rapid.T, q store.Query, entries []store.Entry, inOrder bool) store.Found {
	c, err := q.Compile(store.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	top := c.Collect(inOrder)
	for i, e := range entries {
		if !top.Add(e) {
			if !inOrder {
				t.Fatalf("after %d of %d entries in any order none is said to count", i, len(entries))
			}
			break
		}
	}
	return top.Found()
}

func same(t *rapid.T, how string, got, want store.Found) {
	if !slices.EqualFunc(got.Entries, want.Entries, store.Entry.Equal) {
		t.Fatalf("%s: got %q, want %q", how, keys(got.Entries), keys(want.Entries))
	}
	if (got.Next == nil) != (want.Next == nil) || got.Next != nil && (got.Next.Key != want.Next.Key || !slices.EqualFunc(got.Next.Sort, want.Next.Sort, value.Value.Equal)) {
		t.Fatalf("%s: goes on after %+v, want %+v", how, got.Next, want.Next)
	}
}

func TestCollectorStopsWhenItIsFull(t *testing.T) {
	c, err := store.Query{Table: "users", Limit: 2, Offset: 1}.Compile(store.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	top := c.Collect(true)
	for i, e := range table(`1`, `2`, `3`, `4`) {
		if more := top.Add(e); more != (i < 3) {
			t.Errorf("after %d entries more are wanted: %v", i+1, more)
		}
	}
	if found := top.Found(); keys(found.Entries) != "k1 k2" || found.Next == nil {
		t.Errorf("got %q, going on after %+v", keys(found.Entries), found.Next)
	}
}
