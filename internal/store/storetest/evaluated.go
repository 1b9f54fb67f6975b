package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// Evaluated asks a store random queries over random entries, some of them page
// by page, and holds every answer and every count to [store.Evaluate]. Where the
// store has indexes, every other run makes some, which must change nothing.
// Random.Steps is the number of queries in a run.
func Evaluated(t *testing.T, h Harness, o Random) {
	t.Helper()
	o = o.withDefaults(t)
	for run := range o.Runs {
		seed := o.Seed + uint64(run)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			x := h.subject(t)
			g := &wild{generator{Rand: rand.New(rand.NewPCG(seed, 0))}}
			entries := x.writeWild(g, 60)
			_, indexed := store.As[store.Indexer](x.s)
			if indexed && run%2 == 1 {
				for i, def := range wildIndexes() {
					def.Name = fmt.Sprintf("%02d", i)
					x.index(def)
				}
			}
			for range o.Steps {
				x.heldToEvaluate(g.query(entries), entries, g.oneIn(4))
			}
		})
	}
}

// writeWild writes entries and gives them as they stand.
func (x *subject) writeWild(g *wild, count int) []store.Entry {
	x.Helper()
	var entries []store.Entry
	for i := range count {
		op := putValue(fmt.Sprintf("%02d%s", i, pick(&g.generator, randomKeys...)), g.value())
		if g.oneIn(3) {
			op.Metadata = map[string]string{pick(&g.generator, "tier", "owner"): pick(&g.generator, "gold", "é", "a%", "")}
		}
		if g.oneIn(4) {
			op.Expiry = store.ExpiresIn(hours * time.Duration(1+g.IntN(3)))
		}
		var e store.Entry
		for range 1 + g.IntN(3) {
			e = x.do(op)
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b store.Entry) int { return g.IntN(3) - 1 })
	return entries
}

func (x *subject) heldToEvaluate(q store.Query, entries []store.Entry, inPages bool) {
	x.Helper()
	want, err := store.Evaluate(q, entries, x.limits)
	if err != nil {
		x.expect(fmt.Sprintf("Search(%+v)", q), x.searchError(q), store.CodeOf(err))
		return
	}
	found := x.search(q)
	if diff := compareEntries(found.Entries, want.Entries); diff != "" {
		x.Fatalf("%s: %s", describeQuery(q), diff)
	}
	if (found.Next == nil) != (want.Next == nil) {
		x.Fatalf("%s: the next page is at %+v, want %+v", describeQuery(q), found.Next, want.Next)
	}
	all := q
	all.Limit = 0
	if inPages {
		if want, err = store.Evaluate(all, entries, x.limits); err != nil {
			x.Fatal(err)
		}
		if diff := compareEntries(x.searchAll(q), want.Entries); diff != "" {
			x.Fatalf("%s in pages: %s", describeQuery(q), diff)
		}
	}
	all.Offset, all.After = 0, nil
	if want, err = store.Evaluate(all, entries, x.limits); err != nil {
		x.Fatal(err)
	}
	if n := x.count(q); n != len(want.Entries) {
		x.Fatalf("%s counts %d, want %d", describeQuery(q), n, len(want.Entries))
	}
}

func (x *subject) searchError(q store.Query) error {
	x.Helper()
	searcher, ok := store.As[store.Searcher](x.s)
	if !ok {
		x.Fatal("the store can't search")
	}
	_, err := searcher.Search(x.Context(), q)
	return err
}

func describeQuery(q store.Query) string {
	return fmt.Sprintf("filter %s, sort %+v, limit %d, offset %d, after %+v", describeFilter(q.Filter), q.Sort, q.Limit, q.Offset, q.After)
}

func describeFilter(f value.Filter) string {
	list := func(word string, parts []value.Filter) string {
		texts := make([]string, len(parts))
		for i, part := range parts {
			texts[i] = describeFilter(part)
		}
		return word + "(" + strings.Join(texts, ", ") + ")"
	}
	switch {
	case f.And != nil:
		return list("and", f.And)
	case f.Or != nil:
		return list("or", f.Or)
	case f.Not != nil:
		return "not(" + describeFilter(*f.Not) + ")"
	}
	return fmt.Sprintf("%q %s %s", f.Path, f.Op, f.Value)
}

// wild makes entries and queries that few engines have in mind: paths that look
// like an index but are none, values of all kinds in one place, long strings,
// times between two microseconds.
type wild struct{ generator }

func wildIndexes() []store.Index {
	return []store.Index{
		over("", store.NumberField, "/n"), over("", store.StringField, "/s"), over("", store.StringField, "/s", "/n"), over("", store.BooleanField, "/v", "/n"),
		over("", store.StringField, "/v", "/s", "/a~1b"), over("", store.NumberField, "/v/0"), over("", store.StringField, "/v/01"), over("", store.StringField, "/l"),
	}
}

func (g *wild) value() value.Value {
	if g.oneIn(6) {
		return g.generator.value()
	}
	v := g.generator.value()
	if value.KindOf(v.Data) != value.Object || v.Encoding != value.JSON {
		return v
	}
	patch := `{"v":` + g.nested(2) + `}`
	if g.oneIn(3) {
		patch = `{"l":` + g.long() + `,"v":` + g.nested(1) + `}`
	}
	if merged, err := value.MergePatch(v.Data, doc(patch).Data, value.Limits{}); err == nil {
		return merged
	}
	return v
}

// nested makes arrays and objects that differ late.
func (g *wild) nested(depth int) string {
	if depth == 0 || g.oneIn(4) {
		return g.scalar()
	}
	inner := func() string { return g.nested(depth - 1) }
	switch g.IntN(5) {
	case 0:
		return "[" + inner() + "," + inner() + "," + inner() + "]"
	case 1:
		return "[" + inner() + "]"
	case 2:
		return `{"x":` + inner() + `,"-1":` + inner() + `,"01":` + g.text() + `}`
	case 3:
		return `{"0":` + inner() + `,"":` + inner() + `,"~":` + inner() + `}`
	}
	return `{"é":` + inner() + `}`
}

// long makes strings around the lengths at which indexes cut.
func (g *wild) long() string {
	text := strings.Repeat(pick(&g.generator, "a", "é"), pick(&g.generator, 1, 63, 64, 65, 127, 128, 255, 256, 257, 700))
	return `"` + text + pick(&g.generator, "", "b", "🙂") + `"`
}

func (g *wild) path() string {
	return pick(&g.generator, "", "/n", "/n", "/s", "/s", "/l", "/v", "/v", "/v/x", "/v/0", "/v/1", "/v/-1", "/v/01", "/v/+1", "/v/ 1", "/v/1 ", "/v/", "/v/~0", "/v/0/0", "/v/x/1", "/v/-", "/v/1e0",
		"/v/99999999999", "/v/é", "/a~1b", "/none", "/n/0", "$key", "$version", "$created_at", "$updated_at", "$expires_at", "$metadata/tier", "$metadata/no 'such\\")
}

func (g *wild) query(entries []store.Entry) store.Query {
	q := store.Query{Table: things, Limit: pick(&g.generator, 0, 1, 2, 3, 7, 20)}
	if !g.oneIn(8) {
		q.Filter = g.filter(3, entries)
	}
	for range g.IntN(4) {
		q.Sort = append(q.Sort, store.Sort{Path: g.path(), Descending: g.oneIn(2)})
	}
	switch g.IntN(5) {
	case 0:
		q.Offset = g.IntN(8)
	case 1:
		q.After = &store.Position{Key: pick(&g.generator, entries[g.IntN(len(entries))].Key, "", "30", "zzz")}
		for _, by := range q.Sort {
			q.After.Sort = append(q.After.Sort, g.place(by.Path, entries))
		}
	}
	return q
}

// place makes what a page may have ended at, and what none has.
func (g *wild) place(path string, entries []store.Entry) value.Value {
	parsed, err := value.ParseFieldPath(path)
	if err != nil || parsed.IsTime() {
		return g.timeText(entries)
	}
	switch g.IntN(4) {
	case 0:
		return value.Value{}
	case 1:
		return doc(g.scalar())
	case 2:
		return doc(g.nested(2))
	}
	v := entries[g.IntN(len(entries))].Value
	if v.Encoding != value.JSON {
		return value.Value{}
	}
	raw, _ := parsed.Pointer.Lookup(v.Data)
	return value.Value{Data: raw}
}

// timeText is a time of an entry, or near it.
func (g *wild) timeText(entries []store.Entry) value.Value {
	e := entries[g.IntN(len(entries))]
	at := pick(&g.generator, e.CreatedAt, e.UpdatedAt, e.UpdatedAt, e.ExpiresAt, e.UpdatedAt.Add(time.Microsecond))
	return value.Value{Data: value.AppendTime(nil, at)}
}

func (g *wild) filter(depth int, entries []store.Entry) value.Filter {
	if depth > 0 && g.oneIn(2) {
		switch g.IntN(4) {
		case 0, 1:
			return value.Filter{And: []value.Filter{g.filter(depth-1, entries), g.filter(depth-1, entries)}}
		case 2:
			return value.Filter{Or: []value.Filter{g.filter(depth-1, entries), g.filter(depth-1, entries)}}
		}
		inner := g.filter(depth-1, entries)
		return value.Filter{Not: &inner}
	}
	f := g.generator.filter(0)
	f.Path = g.path()
	if parsed, err := value.ParseFieldPath(f.Path); err == nil && parsed.IsTime() {
		return g.timeFilter(f, entries)
	}
	if g.oneIn(3) {
		g.meet(&f, entries)
	}
	return f
}

// meet gives a comparison an operand that some entry has there.
func (g *wild) meet(f *value.Filter, entries []store.Entry) {
	e := entries[g.IntN(len(entries))]
	parsed, err := value.ParseFieldPath(f.Path)
	if err != nil || parsed.Field != value.FieldValue || e.Value.Encoding != value.JSON {
		return
	}
	raw, found := parsed.Pointer.Lookup(e.Value.Data)
	if !found {
		return
	}
	switch kind := value.KindOf(raw); f.Op {
	case value.OpEq, value.OpNe, value.OpContains:
		f.Value = raw
	case value.OpIn, value.OpNin:
		f.Value = doc("[" + string(raw) + "]").Data
	case value.OpGt, value.OpGte, value.OpLt, value.OpLte:
		if kind == value.String || kind == value.Number {
			f.Value = raw
		}
	case value.OpPrefix:
		if kind == value.String {
			f.Value = raw
		}
	}
	if f.Op == value.OpContains && value.KindOf(raw) == value.Array && len(raw) > 2 && g.oneIn(2) {
		if element, ok := (value.Pointer{"0"}).Lookup(raw); ok {
			f.Value = element
		}
	}
}

func (g *wild) timeFilter(f value.Filter, entries []store.Entry) value.Filter {
	at := func() string {
		text := string(g.timeText(entries).Data)
		if g.oneIn(4) {
			text = text[:len(text)-2] + `5Z"` // between two microseconds
		}
		return pick(&g.generator, text, text, `"0000-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999999Z"`)
	}
	f.Op = pick(&g.generator, value.OpEq, value.OpNe, value.OpGt, value.OpGte, value.OpLt, value.OpLte, value.OpIn, value.OpNin, value.OpIsNull, value.OpIsNotNull, value.OpExists)
	switch f.Op {
	case value.OpIsNull, value.OpIsNotNull, value.OpExists:
		f.Value = nil
	case value.OpIn, value.OpNin:
		f.Value = doc("[" + at() + "," + at() + "]").Data
	default:
		f.Value = doc(at()).Data
	}
	return f
}
