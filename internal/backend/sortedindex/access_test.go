package sortedindex

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"larder/internal/store"
	"larder/internal/value"
)

// standing is an entry and where it stands in an index.
type standing struct {
	store.Entry
	fields []byte
}

// set is what an index holds of a table, in order.
func set(x *Index, entries []store.Entry) (all []standing, long bool) {
	for _, e := range entries {
		if p := x.Place(e.Value); p.Indexed {
			all = append(all, standing{Entry: e, fields: p.Fields})
			long = long || p.Long
		}
	}
	slices.SortFunc(all, func(a, b standing) int { return bytes.Compare(Join(a.fields, a.Key), Join(b.fields, b.Key)) })
	return all, long
}

// walk gives what an access comes by in a set, in the order that it promises, less
// what is known to come before the query's position.
func walk(t *rapid.T, q *store.Query, a *Access, all []standing) (met []store.Entry) {
	var last []byte
	from := 0 // where those with the fields that were last met begin
	for _, span := range a.Spans {
		for _, s := range all {
			member, plain := Join(s.fields, s.Key), append(slices.Clip(s.fields), s.Key...)
			if span.Holds(member) != span.Holds(plain) {
				t.Fatalf("%x is in a span as a member: %t, as a key: %t", span, span.Holds(member), span.Holds(plain))
			}
			if !span.Holds(member) || a.Same != nil && bytes.Equal(s.fields, a.Same) && s.Key <= q.After.Key {
				continue
			}
			if !a.Descending {
				met = append(met, s.Entry)
				continue
			}
			if !bytes.Equal(s.fields, last) {
				from, last = 0, s.fields
			}
			met = slices.Insert(met, from, s.Entry)
			from++
		}
	}
	return met
}

// TestAccessesAnswerAsEvaluated holds what random accesses come by, page after
// page, against the plain evaluator.
func TestAccessesAnswerAsEvaluated(t *testing.T) {
	seen := make(map[string]int)
	rapid.Check(t, func(t *rapid.T) {
		long := rapid.IntRange(0, 3).Draw(t, "long") == 0
		entries := entriesOf(long).Draw(t, "entries")
		var candidates []Candidate
		sets := map[*Index][]standing{}
		for i, fields := range rapid.SliceOfN(rapid.SliceOfN(indexFields(), 1, 3), 1, 5).Draw(t, "indexes") {
			x := index(fmt.Sprint("x", i), fields...)
			all, isLong := set(x, entries)
			sets[x] = all
			candidates = append(candidates, Candidate{Index: x, Ready: true, Long: isLong})
		}
		for range 20 {
			q := queries(long).Draw(t, "query")
			if rapid.Bool().Draw(t, "along an index") {
				q = along(rapid.SampledFrom(candidates).Draw(t, "index")).Draw(t, "query along it")
			}
			for more := true; more; {
				a := Plan(candidates, &q)
				if a.Index == nil {
					break
				}
				met := walk(t, &q, &a, sets[a.Index])
				note(seen, &a, q.After != nil)
				holdToEvaluated(t, &q, &a, met, entries)
				found, err := store.Evaluate(q, entries, store.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				q.After, more = found.Next, found.Next != nil
			}
		}
	})
	for _, what := range []string{"by index", "exact", "in order", "descending", "on in order", "on descending"} {
		if seen[what] < 20 {
			t.Errorf("only %d accesses went %s", seen[what], what)
		}
	}
}

func note(seen map[string]int, a *Access, on bool) {
	for what, is := range map[string]bool{
		"by index": true, "exact": a.Exact, "in order": a.InOrder, "descending": a.Descending,
		"on in order": on && a.InOrder && !a.Descending, "on descending": on && a.Descending,
	} {
		if is {
			seen[what]++
		}
	}
}

func holdToEvaluated(t *rapid.T, q *store.Query, a *Access, met, entries []store.Entry) {
	c, err := q.Compile(store.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	top := c.Collect(a.InOrder)
	for _, e := range met {
		if a.Exact && !c.Match(e) {
			t.Fatalf("%+v by %s is exact and holds %s", q, a.Index.Def.Name, e.Value.Data)
		}
		if c.Match(e) && !top.Add(e) {
			break
		}
	}
	got := top.Found()
	want, err := store.Evaluate(*q, entries, store.Limits{})
	if err != nil || !slices.EqualFunc(got.Entries, want.Entries, store.Entry.Equal) || !reflect.DeepEqual(got.Next, want.Next) {
		t.Fatalf("%+v by %s: got %v then %v, want %v then %v, %v", q, a.Index.Def.Name, got.Entries, got.Next, want.Entries, want.Next, err)
	}
}

func entriesOf(long bool) *rapid.Generator[[]store.Entry] {
	return rapid.Custom(func(t *rapid.T) (entries []store.Entry) {
		n := rapid.SampledFrom([]int{60, 20, 3, 0}).Draw(t, "n")
		for _, key := range rapid.SliceOfNDistinct(keys(), n, n, rapid.ID).Draw(t, "keys") {
			var members []string
			for _, name := range []string{"a", "b", "c"} {
				if rapid.IntRange(0, 9).Draw(t, "missing") < 9 {
					members = append(members, fmt.Sprintf("%q:%s", name, operand(long).Draw(t, name)))
				}
			}
			v := value.MustParse("{" + strings.Join(members, ",") + "}")
			entries = append(entries, store.Entry{Ref: store.Ref{Table: "t", Key: key}, Version: 1, Value: v})
		}
		return entries
	})
}

func indexFields() *rapid.Generator[store.IndexField] {
	return rapid.Custom(func(t *rapid.T) store.IndexField {
		return field(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "path"),
			rapid.SampledFrom([]store.FieldType{store.NumberField, store.StringField, store.StringField, store.BooleanField}).Draw(t, "type"))
	})
}

func comparisons(long bool) *rapid.Generator[value.Filter] {
	return rapid.Custom(func(t *rapid.T) value.Filter {
		path := rapid.SampledFrom([]string{"/a", "/a", "/b", "/c"}).Draw(t, "path")
		op := rapid.SampledFrom([]string{value.OpGt, value.OpGte, value.OpLte, value.OpEq, value.OpIn, value.OpGt, value.OpGte, value.OpLt, value.OpLte, value.OpPrefix, value.OpNe}).Draw(t, "op")
		var text string
		switch op {
		case value.OpIn:
			text = "[" + strings.Join(rapid.SliceOfN(operand(long), 0, 4).Draw(t, "operands"), ",") + "]"
		case value.OpPrefix:
			text = operand(long).Filter(func(s string) bool { return s[0] == '"' }).Draw(t, "operand")
		case value.OpEq, value.OpNe:
			text = operand(long).Draw(t, "operand")
		default:
			text = operand(long).Filter(func(s string) bool { return strings.IndexByte("n[{", s[0]) < 0 }).Draw(t, "operand")
		}
		return is(path, op, text)
	})
}

func queries(long bool) *rapid.Generator[store.Query] {
	return rapid.Custom(func(t *rapid.T) store.Query {
		q := store.Query{Table: "t", Limit: rapid.IntRange(1, 4).Draw(t, "limit")}
		all := rapid.SliceOfN(comparisons(long), 1, 3).Draw(t, "filter")
		switch {
		case len(all) == 1:
			q.Filter = all[0]
		case rapid.IntRange(0, 9).Draw(t, "or") == 0:
			q.Filter = and(all[0], value.Filter{Or: all[1:]})
		default:
			q.Filter = and(all...)
		}
		paths := []string{all[0].Path}
		if rapid.Bool().Draw(t, "sorted otherwise") {
			paths = rapid.SliceOfN(rapid.SampledFrom([]string{"/a", "/b", "/c", "$key"}), 0, 3).Draw(t, "sort")
		}
		q.Sort = by(rapid.Bool().Draw(t, "descending"), paths...)
		return q
	})
}

// along gives queries that the order of an index suits, and that many match.
func along(x Candidate) *rapid.Generator[store.Query] {
	least := map[store.FieldType]string{store.StringField: `""`, store.NumberField: "-10", store.BooleanField: "false"}
	return rapid.Custom(func(t *rapid.T) store.Query {
		q := store.Query{Table: "t", Limit: rapid.IntRange(1, 4).Draw(t, "limit")}
		descending := rapid.Bool().Draw(t, "descending")
		constant := rapid.Bool().Draw(t, "constant")
		for i, f := range x.Def.Fields {
			path := f.Path.String()
			if i == 0 && constant {
				q.Filter = is(path, value.OpEq, rapid.SampledFrom([]string{"1", `"a"`, "true"}).Draw(t, "operand"))
				continue
			}
			if i == 0 {
				q.Filter = is(path, value.OpGte, least[f.Type])
			}
			q.Sort = append(q.Sort, by(descending, path)...)
		}
		return q
	})
}
