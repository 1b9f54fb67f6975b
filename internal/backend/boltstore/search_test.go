package boltstore

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// operands are values of all kinds, few enough to meet often.
var operands = []string{
	"null", "false", "true", "-10", "-1", "-0.5", "0", "0.25", "1", "2", "9007199254740993",
	`""`, `"a"`, `"ab"`, `"abc"`, `"b"`, `"ÿ"`, "[]", "[1]", `{"x":1}`,
}

func documents() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var members []string
		for _, name := range []string{"a", "b", "c"} {
			if rapid.IntRange(0, 9).Draw(t, "missing") < 9 {
				members = append(members, fmt.Sprintf("%q:%s", name, rapid.SampledFrom(operands).Draw(t, name)))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	})
}

func comparisons() *rapid.Generator[value.Filter] {
	return rapid.Custom(func(t *rapid.T) value.Filter {
		f := value.Filter{
			Path: rapid.SampledFrom([]string{"/a", "/b", "/c"}).Draw(t, "path"),
			Op:   rapid.SampledFrom([]string{value.OpEq, value.OpEq, value.OpIn, value.OpGt, value.OpGte, value.OpLt, value.OpLte, value.OpPrefix, value.OpNe}).Draw(t, "op"),
		}
		operand := rapid.SampledFrom(operands)
		switch f.Op {
		case value.OpIn:
			f.Value = []byte("[" + strings.Join(rapid.SliceOfN(operand, 0, 4).Draw(t, "operands"), ",") + "]")
		case value.OpGt, value.OpGte, value.OpLt, value.OpLte:
			f.Value = []byte(rapid.SampledFrom([]string{"-10", "-1", "0", "0.3", "2", `""`, `"a"`, `"abb"`}).Draw(t, "operand"))
		case value.OpPrefix:
			f.Value = []byte(rapid.SampledFrom([]string{`""`, `"a"`, `"ab"`}).Draw(t, "operand"))
		default:
			f.Value = []byte(operand.Draw(t, "operand"))
		}
		return f
	})
}

func queries() *rapid.Generator[store.Query] {
	return rapid.Custom(func(t *rapid.T) store.Query {
		q := store.Query{Table: "t"}
		all := rapid.SliceOfN(comparisons(), 0, 3).Draw(t, "filter")
		switch {
		case len(all) == 1:
			q.Filter = all[0]
		case len(all) > 1 && rapid.IntRange(0, 9).Draw(t, "or") == 0:
			q.Filter = value.Filter{And: []value.Filter{all[0], {Or: all[1:]}}}
		case len(all) > 1:
			q.Filter = value.Filter{And: all}
		}
		descending := rapid.Bool().Draw(t, "descending")
		paths := rapid.SliceOfN(rapid.SampledFrom([]string{"/a", "/b", "/c", "$key"}), 0, 3).Draw(t, "sort")
		if len(all) > 0 && rapid.Bool().Draw(t, "sorted as filtered") {
			paths = []string{all[0].Path}
		}
		for _, path := range paths {
			q.Sort = append(q.Sort, store.Sort{Path: path, Descending: descending != (rapid.IntRange(0, 9).Draw(t, "mixed") == 0)})
		}
		q.Limit = rapid.IntRange(1, 4).Draw(t, "limit")
		q.Offset = rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "offset")
		return q
	})
}

func indexes() *rapid.Generator[[]store.IndexField] {
	field := rapid.Custom(func(t *rapid.T) store.IndexField {
		return store.IndexField{
			Path: value.Pointer{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "path")},
			Type: rapid.SampledFrom([]store.FieldType{store.NumberField, store.NumberField, store.StringField, store.BooleanField}).Draw(t, "type"),
		}
	})
	return rapid.SliceOfN(field, 1, 2)
}

// TestQueriesAreAnsweredAsEvaluated holds random queries over random documents
// with random indexes against the plain evaluator, page after page.
func TestQueriesAreAnsweredAsEvaluated(t *testing.T) {
	byIndex, further := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t)
		defer s.close()
		for i, fields := range rapid.SliceOfN(indexes(), 2, 6).Draw(rt, "indexes") {
			s.index(store.Index{Name: fmt.Sprint("x", i), Fields: fields})
		}
		var ops []store.Op
		n := rapid.SampledFrom([]int{80, 20, 3, 0}).Draw(rt, "n")
		for i, text := range rapid.SliceOfN(documents(), n, n).Draw(rt, "documents") {
			op := put(fmt.Sprintf("k%02d", i*37%97), text)
			if rapid.IntRange(0, 9).Draw(rt, "expires") == 0 {
				op.Expiry = store.ExpiresIn(time.Second)
			}
			ops = append(ops, op)
		}
		if len(ops) > 0 {
			s.apply(ops...)
		}
		s.clock.Advance(time.Second)
		page, err := s.Scan(t.Context(), store.Scan{Table: "t"})
		if err != nil {
			rt.Fatal(err)
		}
		for range 20 {
			q := queries().Draw(rt, "query")
			counted, err := s.Count(t.Context(), store.Query{Table: "t", Filter: q.Filter})
			all, evalErr := store.Evaluate(store.Query{Table: "t", Filter: q.Filter}, page.Entries, store.Limits{})
			if err != nil || evalErr != nil || counted.Count != int64(len(all.Entries)) {
				rt.Fatalf("counted %d by %+v, %v; want %d, %v", counted.Count, counted.Plan, err, len(all.Entries), evalErr)
			}
			for more := true; more; {
				want, err := store.Evaluate(q, page.Entries, store.Limits{})
				if err != nil {
					rt.Fatal(err)
				}
				got := s.search(q)
				if got.Plan.Mode == store.ByIndex {
					byIndex++
				}
				if !slices.EqualFunc(got.Entries, want.Entries, store.Entry.Equal) || !reflect.DeepEqual(got.Next, want.Next) {
					rt.Fatalf("%+v by %+v: got %v then %v, want %v then %v", q, got.Plan, keysOf(got), got.Next, keysOf(want), want.Next)
				}
				if q.Offset, q.After = 0, got.Next; q.After == nil {
					more = false
				} else if got.Plan.Mode == store.ByIndex {
					further++
				}
			}
		}
	})
	if byIndex < 100 || further < 20 {
		t.Errorf("only %d queries went by an index, %d of them on to another page", byIndex, further)
	}
}

func keysOf(found store.Found) []string {
	keys := []string{}
	for _, e := range found.Entries {
		keys = append(keys, e.Key)
	}
	return keys
}

func and(all ...value.Filter) value.Filter { return value.Filter{And: all} }

func TestPlans(t *testing.T) {
	s := open(t)
	s.index(store.Index{Name: "age", Fields: numberField("age")})
	s.index(store.Index{Name: "tier_age", Fields: append(stringField("tier"), numberField("age")...)})
	for i := range 1000 {
		s.apply(put(fmt.Sprintf("k%03d", i), fmt.Sprintf(`{"age":%d,"tier":"%c","n":%d}`, i%100, 'a'+i%10, i)))
	}
	age := func(descending bool) []store.Sort { return []store.Sort{{Path: "/age", Descending: descending}} }
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
		{"a range, the first few", store.Query{Filter: is("/age", value.OpGte, "50"), Sort: age(false), Limit: 5}, "age", 6},
		{"a range, the last few", store.Query{Filter: is("/age", value.OpGte, "50"), Sort: age(true), Limit: 5}, "age", 6},
		{"all fields", store.Query{Filter: and(is("/tier", value.OpEq, `"b"`), is("/age", value.OpEq, "11"))}, "tier_age", 10},
		{"a field and a range", store.Query{Filter: and(is("/tier", value.OpEq, `"b"`), is("/age", value.OpLt, "20"))}, "tier_age", 20},
		{"the first field alone", store.Query{Filter: is("/tier", value.OpPrefix, `"b"`)}, "tier_age", 100},
		{"a field, sorted by the next", store.Query{Filter: is("/tier", value.OpEq, `"b"`), Sort: age(true), Limit: 5}, "tier_age", 6},
		{"with more to the filter", store.Query{Filter: and(is("/age", value.OpEq, "7"), is("/n", value.OpGt, "500"))}, "age", 10},
		{"another type than the index's", store.Query{Filter: is("/age", value.OpEq, `"7"`)}, "", 1000},
		{"a type too many", store.Query{Filter: is("/age", value.OpIn, `[7,"7"]`)}, "", 1000},
		{"the second field alone", store.Query{Filter: is("/n", value.OpEq, "7")}, "", 1000},
		{"or", store.Query{Filter: value.Filter{Or: []value.Filter{is("/age", value.OpEq, "7"), is("/n", value.OpEq, "7")}}}, "", 1000},
		{"everything, the first few", store.Query{Limit: 5}, "", 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := s.search(test.query)
			if found.Plan.Index != test.index || found.Plan.Scanned != test.scanned || found.Plan.Backend != "bolt" {
				t.Errorf("got %+v, want index %q and %d entries looked at", found.Plan, test.index, test.scanned)
			}
			if (found.Plan.Mode == store.ByIndex) != (test.index != "") {
				t.Errorf("the mode is %s", found.Plan.Mode)
			}
		})
	}
}

// TestLaterPagesSeekTheirBeginning has a page deep in an order cost no more
// than the first.
func TestLaterPagesSeekTheirBeginning(t *testing.T) {
	s := open(t)
	s.index(store.Index{Name: "age", Fields: numberField("age")})
	for i := range 500 {
		s.apply(put(fmt.Sprintf("k%03d", i), fmt.Sprintf(`{"age":%d}`, i*7%100)))
	}
	for _, descending := range []bool{false, true} {
		q := store.Query{Filter: is("/age", value.OpGte, "0"), Sort: []store.Sort{{Path: "/age", Descending: descending}}, Limit: 10}
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
	fill(t, s.Store, "t", 300)
	for _, test := range []struct {
		filter value.Filter
		words  []string
	}{
		{is("/age", value.OpGt, "200"), []string{"200 entries", "an index on /age (number) would help"}},
		{and(is("/text", value.OpLike, `"x%"`), is("/email", value.OpPrefix, `"nobody"`)), []string{"an index on /email (string) would help"}},
		{and(is("/age", value.OpNe, "1"), is("/flag", value.OpEq, "true")), []string{"an index on /flag (boolean) would help"}},
		{is("/text", value.OpLike, `"x%"`), []string{"compare a field with a string or a number"}},
	} {
		q := store.Query{Table: "t", Filter: test.filter, Budget: 200}
		_, err := s.Search(t.Context(), q)
		fails(t, "Search", err, store.QueryTooExpensive)
		says(t, store.AsError(err).Detail, test.words...)
		_, err = s.Count(t.Context(), q)
		fails(t, "Count", err, store.QueryTooExpensive)
	}
	if found := s.search(store.Query{Filter: is("/age", value.OpGt, "200"), Budget: 300}); len(found.Entries) != 0 {
		t.Errorf("got %d entries, want none", len(found.Entries))
	}
	s.index(store.Index{Name: "age", Fields: numberField("age")})
	s.search(store.Query{Filter: is("/age", value.OpGte, "0"), Budget: 1})
}

func TestCountingByIndexLeavesOutWhatHasExpired(t *testing.T) {
	s := open(t)
	s.index(store.Index{Name: "age", Fields: numberField("age")})
	var ops []store.Op
	for i := range 100 {
		op := put(fmt.Sprintf("k%03d", i), fmt.Sprintf(`{"age":%d}`, i))
		if i%4 == 0 {
			op.Expiry = store.ExpiresIn(time.Second)
		}
		ops = append(ops, op)
	}
	s.apply(ops...)
	s.clock.Advance(time.Second)
	for _, test := range []struct {
		filter value.Filter
		mode   store.Mode
		want   int64
	}{
		{value.Filter{}, store.ByScan, 75},
		{is("/age", value.OpLt, "40"), store.ByIndex, 30},
		{is("/age", value.OpEq, "4"), store.ByIndex, 0},
		{and(is("/age", value.OpLt, "40"), is("/age", value.OpNe, "1")), store.ByIndex, 29},
	} {
		counted, err := s.Count(t.Context(), store.Query{Table: "t", Filter: test.filter, Budget: 1})
		if err != nil || counted.Count != test.want || counted.Plan.Mode != test.mode {
			t.Errorf("%+v: counted %d by %s, %v; want %d by %s", test.filter, counted.Count, counted.Plan.Mode, err, test.want, test.mode)
		}
	}
}

// TestLongWalksEndWithTheirCaller has the caller leave once the walk is under
// way.
func TestLongWalksEndWithTheirCaller(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 2*stepsBetweenChecks)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	err := s.view(func(tx *bolt.Tx) error {
		c, err := store.Query{Table: "t"}.Compile(s.options.Limits)
		if err != nil {
			return err
		}
		return s.newSearch(ctx, tx, c, &access{}).each(func(store.Entry) bool { seen++; cancel(); return true })
	})
	fails(t, "a query for nobody", err, store.Canceled)
	if seen == 0 || seen > stepsBetweenChecks {
		t.Errorf("it went on for %d entries", seen)
	}
}

// TestQueriesAsEvaluated holds random queries to their meaning, said plainly.
func TestQueriesAsEvaluated(t *testing.T) {
	storetest.Evaluated(t, harness(), storetest.Random{Steps: 150, Runs: 6})
}
