package pgstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// TestQueriesAsEvaluated has the SQL mean what filters, sorts and positions
// mean, whichever way is taken.
func TestQueriesAsEvaluated(t *testing.T) {
	h := harness()
	open := h.Open
	h.Open = func(t testing.TB) store.Store {
		s := open(t)
		s.(*Store).effort = effort{entries: 3, keys: 20}
		return s
	}
	storetest.Evaluated(t, h, storetest.Random{Steps: 250, Runs: 8})
}

func is(path, op, operand string) value.Filter {
	return value.Filter{Path: path, Op: op, Value: []byte(operand)}
}

func and(parts ...value.Filter) value.Filter { return value.Filter{And: parts} }

func numberField(name string) store.IndexField {
	return store.IndexField{Path: value.Pointer{name}, Type: store.NumberField}
}

func stringField(name string) store.IndexField {
	return store.IndexField{Path: value.Pointer{name}, Type: store.StringField}
}

// index makes an index of table t.
func (f *fixture) index(name string, fields ...store.IndexField) {
	f.t.Helper()
	if _, err := f.PutIndex(f.t.Context(), "t", store.Index{Name: name, Fields: fields}); err != nil {
		f.t.Fatalf("PutIndex(%s): %v", name, err)
	}
}

func (f *fixture) unique(name string, fields ...store.IndexField) {
	f.t.Helper()
	if _, err := f.PutIndex(f.t.Context(), "t", store.Index{Name: name, Fields: fields, Unique: true}); err != nil {
		f.t.Fatalf("PutIndex(%s): %v", name, err)
	}
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

// people fills table t.
func (f *fixture) people(count int) {
	f.t.Helper()
	ops := make([]store.Op, count)
	for i := range ops {
		ops[i] = put(fmt.Sprintf("k%05d", i), fmt.Sprintf(`{"id":%d,"age":%d,"tier":%q,"email":"user%d@example.org","name":"name %d"}`, i, i*7%100, []string{"gold", "free", "free"}[i%3], i*7919%count, i/10))
	}
	for some := range slices.Chunk(ops, 1000) {
		f.apply(some...)
	}
}

func sortedBy(path string, descending bool) []store.Sort {
	return []store.Sort{{Path: path, Descending: descending}}
}

// TestPlansAreTrue compares what a query says of its plan with EXPLAIN.
func TestPlansAreTrue(t *testing.T) {
	s := open(t)
	s.people(3000)
	s.index("age", numberField("age"))
	s.index("id", numberField("id"))
	s.index("tier_age", stringField("tier"), numberField("age"))
	s.unique("email", stringField("email"))
	for _, test := range []struct {
		name  string
		query store.Query
		want  string // an index that is used for certain; "": none is
	}{
		{"one value", store.Query{Filter: is("/age", value.OpEq, "7")}, "age"},
		{"one value, a page", store.Query{Filter: is("/age", value.OpEq, "7"), Limit: 3}, "age"},
		{"a unique value", store.Query{Filter: is("/email", value.OpEq, `"user77@example.org"`)}, "email"},
		{"a small range", store.Query{Filter: and(is("/id", value.OpGte, "100"), is("/id", value.OpLt, "120"))}, "id"},
		{"a small range, sorted", store.Query{Filter: and(is("/id", value.OpGte, "100"), is("/id", value.OpLt, "120")), Sort: sortedBy("/id", true), Limit: 5}, "id"},
		{"some of several", store.Query{Filter: is("/id", value.OpIn, "[3,4,3]")}, "id"},
		{"two fields", store.Query{Filter: and(is("/tier", value.OpEq, `"gold"`), is("/age", value.OpEq, "21"))}, "tier_age"},
		{"a field, sorted by the next", store.Query{Filter: is("/tier", value.OpEq, `"gold"`), Sort: sortedBy("/age", false), Limit: 5}, "tier_age"},
		{"a field, sorted by the next, backwards", store.Query{Filter: is("/tier", value.OpEq, `"gold"`), Sort: sortedBy("/age", true), Limit: 5}, "tier_age"},
		{"a prefix", store.Query{Filter: is("/email", value.OpPrefix, `"user77"`), Sort: sortedBy("/email", false)}, "email"},
		{"another type than the index's", store.Query{Filter: is("/age", value.OpEq, `"7"`)}, ""},
		{"no index", store.Query{Filter: is("/name", value.OpEq, `"name 7"`)}, ""},
		{"everything", store.Query{Limit: 5}, ""},
		{"everything, sorted", store.Query{Sort: sortedBy("/age", false), Limit: 5}, ""},
		{"or", store.Query{Filter: value.Filter{Or: []value.Filter{is("/age", value.OpEq, "7"), is("/id", value.OpEq, "7")}}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := s.search(test.query).Plan
			used := s.explained(t, test.query)
			if (plan.Mode == store.ByIndex) != (len(used) > 0) || plan.Mode == store.ByIndex && !slices.Contains(used, plan.Index) {
				t.Errorf("the plan is %+v, and EXPLAIN names %q", plan, used)
			}
			if plan.Index != test.want || plan.Backend != "postgres" || (plan.Mode == store.ByIndex) != (test.want != "") {
				t.Errorf("the plan is %+v, want the index %q", plan, test.want)
			}
		})
	}
}

// explained gives the indexes that PostgreSQL reads for a query.
func (f *fixture) explained(t *testing.T, q store.Query) (used []string) {
	t.Helper()
	q.Table = "t"
	c, err := q.Compile(f.options.Limits)
	if err != nil {
		t.Fatal(err)
	}
	indexes, err := f.indexesOf(t.Context(), "t", true)
	if err != nil {
		t.Fatal(err)
	}
	p := f.newPlan(c, indexes)
	for _, way := range p.ways() {
		_, complete, err := f.searchBy(t.Context(), p, way)
		if err != nil {
			t.Fatal(err)
		}
		if !complete {
			continue
		}
		err = f.query(t.Context(), "explain analyze "+way.sql, way.args, func(rows pgx.Rows) error {
			for _, x := range indexes {
				if line := string(rows.RawValues()[0]); strings.Contains(line, x.relation) && !strings.Contains(line, "never executed") && !slices.Contains(used, x.def.Name) {
					used = append(used, x.def.Name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	return used
}

func TestQueriesThatAreTooExpensive(t *testing.T) {
	s := open(t)
	s.people(300)
	for _, test := range []struct {
		filter value.Filter
		words  []string
	}{
		{is("/age", value.OpGt, "200"), []string{"200 entries", "an index on /age (number) would help"}},
		{and(is("/name", value.OpLike, `"x%"`), is("/email", value.OpPrefix, `"nobody"`)), []string{"an index on /email (string) would help"}},
		{and(is("/age", value.OpNe, "1"), is("/flag", value.OpEq, "true")), []string{"an index on /flag (boolean) would help"}},
		{is("/name", value.OpLike, `"x%"`), []string{"compare a field with a string or a number"}},
	} {
		for _, sort := range [][]store.Sort{nil, sortedBy("/age", false)} {
			q := store.Query{Table: "t", Filter: test.filter, Sort: sort, Budget: 200}
			_, err := s.Search(t.Context(), q)
			fails(t, "Search", err, store.QueryTooExpensive)
			for _, word := range test.words {
				if detail := store.AsError(err).Detail; !strings.Contains(detail, word) {
					t.Errorf("%q does not say %q", detail, word)
				}
			}
			q.Offset = 50
			_, err = s.Search(t.Context(), q)
			fails(t, "Search with an offset", err, store.QueryTooExpensive)
			_, err = s.Count(t.Context(), q)
			fails(t, "Count", err, store.QueryTooExpensive)
		}
	}
	for what, q := range map[string]store.Query{
		"a page found before":        {Filter: is("/age", value.OpGte, "0"), Limit: 20, Budget: 200},
		"all of the budget":          {Filter: is("/age", value.OpGt, "200"), Budget: 300},
		"the beginning of all":       {Limit: 20, Budget: 50},
		"within a range of keys":     {Filter: and(is("$key", value.OpGte, `"k00250"`), is("/age", value.OpGt, "200")), Budget: 50},
		"sorted, in a range of keys": {Filter: is("$key", value.OpPrefix, `"k0029"`), Sort: sortedBy("/age", true), Budget: 50},
	} {
		if _, err := s.Search(t.Context(), store.Query{Table: "t", Filter: q.Filter, Sort: q.Sort, Limit: q.Limit, Budget: q.Budget}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if counted, err := s.Count(t.Context(), store.Query{Table: "t", Budget: 1}); err != nil || counted.Count != 300 {
		t.Errorf("all of the table: %+v, %v", counted, err)
	}
	s.index("age", numberField("age"))
	s.search(store.Query{Filter: is("/age", value.OpGte, "0"), Budget: 1})
}

// TestHardQueriesAreSpared has a query find its page by little effort where
// that is possible, and the whole of it where not.
func TestHardQueriesAreSpared(t *testing.T) {
	s := open(t)
	s.people(3000)
	s.index("id", numberField("id"))
	s.effort = effort{entries: 100, keys: 200}
	for _, test := range []struct {
		from, scanned int64 // Scanned at most
	}{
		{2950, 51},  // few
		{0, 0},      // many, and the first keys among them
		{150, 0},    // so too, after some
		{500, 2501}, // many, but not among the first keys
	} {
		found := s.search(store.Query{Filter: is("/id", value.OpGte, strconv.FormatInt(test.from, 10)), Limit: 20})
		if len(found.Entries) != 20 || found.Entries[0].Key != fmt.Sprintf("k%05d", test.from) {
			t.Errorf("from %d: %d entries", test.from, len(found.Entries))
		}
		if found.Plan.Scanned > test.scanned {
			t.Errorf("from %d: the plan is %+v, want at most %d scanned", test.from, found.Plan, test.scanned)
		}
	}
}
