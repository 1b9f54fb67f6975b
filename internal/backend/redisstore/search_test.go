package redisstore

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
	"larder/internal/value"
)

// TestQueriesAsEvaluated holds random queries to their meaning, said plainly.
func TestQueriesAsEvaluated(t *testing.T) {
	storetest.Evaluated(t, harness(), storetest.Random{Steps: 250, Runs: 8})
}

// inSmallPieces has every script look at a few entries only, so that nearly
// everything takes several of them.
func inSmallPieces(o *Options) { o.ScriptEntries = 3 }

func TestStoreInSmallPieces(t *testing.T) {
	storetest.Run(t, harnessOn(testenv.Redis, inSmallPieces))
}

func TestRandomOperationsInSmallPieces(t *testing.T) {
	storetest.Differential(t, harnessOn(testenv.Redis, inSmallPieces), storetest.Random{Steps: 1_000})
}

func TestQueriesAsEvaluatedInSmallPieces(t *testing.T) {
	storetest.Evaluated(t, harnessOn(testenv.Redis, inSmallPieces), storetest.Random{Steps: 100, Runs: 2})
}

func is(path, op, operand string) value.Filter {
	return value.Filter{Path: path, Op: op, Value: []byte(operand)}
}

func and(parts ...value.Filter) value.Filter { return value.Filter{And: parts} }

func sortedBy(path string, descending bool) []store.Sort {
	return []store.Sort{{Path: path, Descending: descending}}
}

// search asks table t.
func (f *fixture) search(q store.Query) store.Found {
	f.t.Helper()
	q.Table = "t"
	found, err := f.Search(f.t.Context(), q)
	if err != nil {
		f.t.Fatalf("Search(%+v): %v", q, err)
	}
	return found
}

func (f *fixture) count(q store.Query) store.Counted {
	f.t.Helper()
	q.Table = "t"
	counted, err := f.Count(f.t.Context(), q)
	if err != nil {
		f.t.Fatalf("Count(%+v): %v", q, err)
	}
	return counted
}

// fill writes entries of table t, many at a time.
func (f *fixture) fill(count int, text func(i int) string) {
	f.t.Helper()
	ops := make([]store.Op, count)
	for i := range ops {
		ops[i] = put(fmt.Sprintf("k%05d", i), text(i))
	}
	for some := range slices.Chunk(ops, 1000) {
		f.apply(some...)
	}
}

func keysOf(entries []store.Entry) []string {
	keys := []string{}
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	return keys
}

func TestPlans(t *testing.T) {
	s := open(t)
	s.index("age", numberField("age"))
	s.index("tier_age", stringField("tier"), numberField("age"))
	s.fill(1000, func(i int) string { return fmt.Sprintf(`{"age":%d,"tier":"%c","n":%d}`, i%100, 'a'+i%10, i) })
	for _, test := range []struct {
		name    string
		query   store.Query
		index   string
		scanned int64
	}{
		{"equality", store.Query{Filter: is("/age", value.OpEq, "7")}, "age", 10},
		{"equality, a page of it", store.Query{Filter: is("/age", value.OpEq, "7"), Limit: 3}, "age", 4},
		{"a range", store.Query{Filter: is("/age", value.OpGte, "97")}, "age", 30},
		{"both ends of a range", store.Query{Filter: and(is("/age", value.OpGt, "10"), is("/age", value.OpLt, "13"))}, "age", 20},
		{"in", store.Query{Filter: is("/age", value.OpIn, "[3,4,3]")}, "age", 20},
		{"in nothing", store.Query{Filter: is("/age", value.OpIn, "[]")}, "age", 0},
		{"a range, the first few", store.Query{Filter: is("/age", value.OpGte, "50"), Sort: sortedBy("/age", false), Limit: 5}, "age", 6},
		{"a range, the last few", store.Query{Filter: is("/age", value.OpGte, "50"), Sort: sortedBy("/age", true), Limit: 5}, "age", 6},
		{"all fields", store.Query{Filter: and(is("/tier", value.OpEq, `"b"`), is("/age", value.OpEq, "11"))}, "tier_age", 10},
		{"a field and a range", store.Query{Filter: and(is("/tier", value.OpEq, `"b"`), is("/age", value.OpLt, "20"))}, "tier_age", 20},
		{"the first field alone", store.Query{Filter: is("/tier", value.OpPrefix, `"b"`)}, "tier_age", 100},
		{"a field, sorted by the next", store.Query{Filter: is("/tier", value.OpEq, `"b"`), Sort: sortedBy("/age", true), Limit: 5}, "tier_age", 6},
		{"with more to the filter", store.Query{Filter: and(is("/age", value.OpEq, "7"), is("/n", value.OpGt, "500"))}, "age", 10},
		{"another type than the index's", store.Query{Filter: is("/age", value.OpEq, `"7"`)}, "", 1000},
		{"a type too many", store.Query{Filter: is("/age", value.OpIn, `[7,"7"]`)}, "", 1000},
		{"a field without an index", store.Query{Filter: is("/n", value.OpEq, "7")}, "", 1000},
		{"or", store.Query{Filter: value.Filter{Or: []value.Filter{is("/age", value.OpEq, "7"), is("/n", value.OpEq, "7")}}}, "", 1000},
		{"everything, the first few", store.Query{Limit: 5}, "", 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := s.search(test.query).Plan
			if plan.Index != test.index || plan.Scanned != test.scanned || plan.Backend != "redis" || (plan.Mode == store.ByIndex) != (test.index != "") {
				t.Errorf("got %+v, want index %q and %d entries looked at", plan, test.index, test.scanned)
			}
		})
	}
}

// TestLaterPagesSeekTheirBeginning has a page deep in an order cost no more than the
// first.
func TestLaterPagesSeekTheirBeginning(t *testing.T) {
	s := open(t)
	s.index("age", numberField("age"))
	s.fill(500, func(i int) string { return fmt.Sprintf(`{"age":%d}`, i*7%100) })
	for _, descending := range []bool{false, true} {
		q := store.Query{Filter: is("/age", value.OpGte, "0"), Sort: sortedBy("/age", descending), Limit: 10}
		for pages := 0; ; pages++ {
			found := s.search(q)
			if found.Plan.Scanned > 16 {
				t.Fatalf("page %d, descending %t: %d entries were looked at", pages, descending, found.Plan.Scanned)
			}
			if q.After = found.Next; q.After == nil {
				if pages != 49 {
					t.Errorf("descending %t: %d pages, want 50", descending, pages+1)
				}
				break
			}
		}
	}
}

func TestQueriesThatAreTooExpensive(t *testing.T) {
	s := open(t)
	s.fill(300, func(i int) string { return fmt.Sprintf(`{"age":%d}`, i%100) })
	for _, test := range []struct {
		filter value.Filter
		words  []string
	}{
		{is("/age", value.OpGt, "200"), []string{"200 entries", "an index on /age (number) would help"}},
		{and(is("/text", value.OpLike, `"x%"`), is("/email", value.OpPrefix, `"nobody"`)), []string{"an index on /email (string) would help"}},
		{is("/text", value.OpLike, `"x%"`), []string{"compare a field with a string or a number"}},
	} {
		q := store.Query{Table: "t", Filter: test.filter, Budget: 200}
		_, err := s.Search(t.Context(), q)
		fails(t, "Search", err, store.QueryTooExpensive)
		for _, word := range test.words {
			if detail := store.AsError(err).Detail; !strings.Contains(detail, word) {
				t.Errorf("%q does not say %q", detail, word)
			}
		}
		_, err = s.Count(t.Context(), q)
		fails(t, "Count", err, store.QueryTooExpensive)
	}
	if found := s.search(store.Query{Filter: is("/age", value.OpGt, "200"), Budget: 300}); len(found.Entries) != 0 {
		t.Errorf("got %d entries, want none", len(found.Entries))
	}
	if found := s.search(store.Query{Filter: is("/age", value.OpGte, "0"), Budget: 200, Limit: 20}); len(found.Entries) != 20 {
		t.Errorf("a page found before the budget is spent has %d entries, want 20", len(found.Entries))
	}
	s.index("age", numberField("age"))
	s.search(store.Query{Filter: is("/age", value.OpGte, "0"), Budget: 1})
}

// TestCountingBySetsLeavesOutWhatHasExpired has few and many that have expired and were
// not cleared up.
func TestCountingBySetsLeavesOutWhatHasExpired(t *testing.T) {
	for name, entries := range map[string]int{"few": 1000, "more than a script gives": 10} {
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock()
			s := open(t, func(o *Options) { o.Now, o.ScriptEntries = clock.Now, entries })
			s.index("age", numberField("age"))
			var ops []store.Op
			for i := range 100 {
				op := put(fmt.Sprintf("k%03d", i), fmt.Sprintf(`{"age":%d}`, i))
				if i%4 == 0 {
					op.Expiry = store.ExpiresIn(time.Second)
				}
				ops = append(ops, op)
			}
			s.apply(ops...)
			clock.Advance(time.Second)
			for _, test := range []struct {
				filter value.Filter
				mode   store.Mode
				want   int64
			}{
				{value.Filter{}, store.ByScan, 75},
				{is("/age", value.OpLt, "40"), store.ByIndex, 30},
				{is("/age", value.OpEq, "4"), store.ByIndex, 0},
				{is("/age", value.OpIn, "[1,2,4]"), store.ByIndex, 2},
				{and(is("/age", value.OpLt, "40"), is("/age", value.OpNe, "1")), store.ByIndex, 29},
			} {
				if counted := s.count(store.Query{Filter: test.filter, Budget: 1}); counted.Count != test.want || counted.Plan.Mode != test.mode {
					t.Errorf("%+v: counted %d by %s; want %d by %s", test.filter, counted.Count, counted.Plan.Mode, test.want, test.mode)
				}
			}
		})
	}
}

// TestQueriesEndWithTheirCaller has the caller leave before the walk comes to an end.
func TestQueriesEndWithTheirCaller(t *testing.T) {
	s := open(t, inSmallPieces)
	s.fill(100, func(i int) string { return fmt.Sprintf(`{"age":%d}`, i) })
	ctx, cancel := contextOf(t, time.Minute)
	r, err := s.newSearch(ctx, store.Query{Table: "t"})
	if err != nil {
		t.Fatal(err)
	}
	w, m := r.newWalk(r.link.home()), newTally()
	if err := w.next(ctx, m); err != nil {
		t.Fatal(err)
	}
	cancel()
	fails(t, "a query for nobody", w.run(ctx, m), store.Canceled)
	if m.count() != 3 {
		t.Errorf("it went on for %d entries", m.count())
	}
}
