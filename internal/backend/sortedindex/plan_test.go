package sortedindex

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

func by(descending bool, paths ...string) (sort []store.Sort) {
	for _, path := range paths {
		sort = append(sort, store.Sort{Path: path, Descending: descending})
	}
	return sort
}

func many(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestPlan(t *testing.T) {
	candidates := []Candidate{
		{Index: index("age", field("age", store.NumberField)), Ready: true},
		{Index: index("tier_age", field("tier", store.StringField), field("age", store.NumberField)), Ready: true},
		{Index: index("n_m", field("n", store.NumberField), field("m", store.NumberField)), Ready: true},
		{Index: index("text", field("text", store.StringField)), Ready: true, Long: true},
		{Index: index("half", field("half", store.NumberField))},
	}
	const exact, inOrder, descending = true, true, true
	for _, test := range []struct {
		name   string
		filter value.Filter
		sort   []store.Sort
		index  string
		spans  int
		exact  bool
		order  bool
		back   bool
	}{
		{"everything", value.Filter{}, nil, "", 0, exact, inOrder, false},
		{"everything, sorted", value.Filter{}, by(false, "/age"), "", 0, exact, false, false},
		{"nothing that an index knows", is("/name", value.OpEq, `"x"`), nil, "", 0, false, inOrder, false},
		{"equal", is("/age", value.OpEq, "7"), nil, "age", 1, exact, inOrder, false},
		{"equal, sorted by it", is("/age", value.OpEq, "7"), by(true, "/age"), "age", 1, exact, inOrder, false},
		{"a range", is("/age", value.OpGt, "7"), nil, "age", 1, exact, false, false},
		{"a range, sorted", is("/age", value.OpGt, "7"), by(false, "/age"), "age", 1, exact, inOrder, false},
		{"a range, sorted downwards", is("/age", value.OpGt, "7"), by(true, "/age"), "age", 1, exact, inOrder, descending},
		{"a range, sorted by more", is("/age", value.OpGt, "7"), by(false, "/age", "/n"), "age", 1, exact, false, false},
		{"a range that holds nothing", and(is("/age", value.OpGt, "7"), is("/age", value.OpLt, "3")), nil, "age", 0, exact, false, false},
		{"in", is("/age", value.OpIn, "[3,1,3]"), by(false, "/age"), "age", 2, exact, inOrder, false},
		{"in nothing", is("/age", value.OpIn, "[]"), nil, "age", 0, exact, false, false},
		{"in one", is("/age", value.OpIn, "[3]"), nil, "age", 1, exact, inOrder, false},
		{"with more to the filter", and(is("/age", value.OpEq, "7"), is("/name", value.OpEq, `"x"`)), nil, "age", 1, false, inOrder, false},
		{"with an or beside it", and(is("/age", value.OpEq, "7"), value.Filter{Or: []value.Filter{is("/n", value.OpEq, "1")}}), nil, "age", 1, false, inOrder, false},
		{"another type", is("/age", value.OpEq, `"7"`), nil, "", 0, false, inOrder, false},
		{"a type too many", is("/age", value.OpIn, `[7,"7"]`), nil, "", 0, false, inOrder, false},
		{"an index that accounts for more", and(is("/age", value.OpEq, "7"), is("/tier", value.OpEq, `"b"`)), nil, "tier_age", 1, exact, inOrder, false},
		{"the first field", is("/tier", value.OpPrefix, `"b"`), nil, "tier_age", 1, exact, false, false},
		{"the first field, sorted by the next", is("/tier", value.OpEq, `"b"`), by(true, "/age"), "tier_age", 1, exact, inOrder, descending},
		{"the first field, sorted both ways", is("/tier", value.OpGt, `"b"`), append(by(true, "/tier"), by(false, "/age")...), "tier_age", 1, exact, false, false},
		{"the second field", is("/m", value.OpEq, "7"), nil, "", 0, false, inOrder, false},
		{"points of both fields", and(is("/n", value.OpIn, many(5)), is("/m", value.OpIn, many(4))), by(false, "/n", "/m"), "n_m", 20, exact, inOrder, false},
		{"more points than may be", and(is("/n", value.OpIn, many(100)), is("/m", value.OpIn, many(11))), nil, "n_m", 100, false, false, false},
		{"points and a range", and(is("/n", value.OpIn, many(3)), is("/m", value.OpGt, "4")), nil, "n_m", 3, exact, false, false},
		{"a long index", is("/text", value.OpGt, `"x"`), by(false, "/text"), "text", 1, false, false, false},
		{"an index that is not ready", is("/half", value.OpEq, "7"), nil, "", 0, false, inOrder, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := Plan(candidates, &store.Query{Table: "t", Filter: test.filter, Sort: test.sort})
			name := ""
			if a.Index != nil {
				name = a.Index.Def.Name
			}
			if name != test.index || len(a.Spans) != test.spans {
				t.Errorf("%d spans of %q, want %d of %q", len(a.Spans), name, test.spans, test.index)
			}
			if a.Exact != test.exact || a.InOrder != test.order || a.Descending != test.back {
				t.Errorf("exact %t, in order %t, descending %t; want %t, %t, %t", a.Exact, a.InOrder, a.Descending, test.exact, test.order, test.back)
			}
			if !slices.IsSortedFunc(a.Spans, func(x, y Span) int { return slices.Compare(x.Hi, y.Lo) }) {
				t.Errorf("spans out of order, or not apart: %x", a.Spans)
			}
		})
	}
}

// TestOfTwoAsGoodTheOneInOrder is chosen, and else the first.
func TestOfTwoAsGoodTheOneInOrder(t *testing.T) {
	candidates := []Candidate{
		{Index: index("one", field("a", store.NumberField), field("b", store.NumberField)), Ready: true},
		{Index: index("two", field("a", store.NumberField)), Ready: true},
		{Index: index("three", field("a", store.NumberField), field("c", store.NumberField)), Ready: true},
	}
	for want, sort := range map[string][]store.Sort{"one": by(true, "/d"), "two": by(true, "/a"), "three": by(true, "/c")} {
		a := Plan(candidates, &store.Query{Table: "t", Filter: is("/a", value.OpEq, "1"), Sort: sort})
		if a.Index.Def.Name != want {
			t.Errorf("sorted by %v: %s, want %s", sort, a.Index.Def.Name, want)
		}
	}
}

// TestPositionsAreNotCut goes on after a value that is longer than any in the
// index, and agrees with one there as far as a cut leaves it.
func TestPositionsAreNotCut(t *testing.T) {
	x := index("x", field("a", store.StringField))
	in := func(text string) []byte {
		p := x.Place(value.MustParse(`{"a":"` + text + `"}`))
		if p.Long {
			t.Fatalf("%d characters are long", len(text))
		}
		return Join(p.Fields, "k")
	}
	alike := strings.Repeat("x", cutBytes+10)
	below, above := in(alike), in(alike+"b")
	for n := range 20 {
		after := store.Position{Key: "k", Sort: []value.Value{value.MustParse(`"` + alike + "a" + strings.Repeat("y", 100+n) + `"`)}}
		q := store.Query{Table: "t", Filter: is("/a", value.OpGte, `""`), Sort: by(false, "/a"), After: &after}
		up := Plan([]Candidate{{Index: x, Ready: true}}, &q)
		q.Sort = by(true, "/a")
		down := Plan([]Candidate{{Index: x, Ready: true}}, &q)
		if len(up.Spans) != 1 || len(down.Spans) != 1 {
			t.Fatalf("%d spans upwards, %d downwards, want one each", len(up.Spans), len(down.Spans))
		}
		if up.Spans[0].Holds(below) || !up.Spans[0].Holds(above) {
			t.Errorf("upwards: what is below comes %t, what is above %t", up.Spans[0].Holds(below), up.Spans[0].Holds(above))
		}
		if !down.Spans[0].Holds(below) || down.Spans[0].Holds(above) {
			t.Errorf("downwards: what is below comes %t, what is above %t", down.Spans[0].Holds(below), down.Spans[0].Holds(above))
		}
	}
}
