package storetest

import (
	"fmt"
	"slices"

	"larder/internal/store"
	"larder/internal/value"
)

func indexTests() []test {
	return []test{
		{name: "made, listed, replaced, dropped", run: indexLife},
		{name: "bad definitions are refused", run: badIndexes},
		{name: "no more than a table can have", run: tooManyIndexes},
		{name: "the vectors with indexes", needs: []Topic{Queries}, run: vectorsWithIndexes},
		{name: "an index keeps up with every kind of write", needs: []Topic{Queries}, run: indexKeepsUp},
		{name: "an index is built while writes go on", needs: []Topic{Queries}, run: indexBuiltWhileWriting},
		{name: "a page lies far behind the first that an index finds", needs: []Topic{Queries}, run: pageFarBehind},
		{name: "a plan names its index", needs: []Topic{Queries, IndexPlans}, run: planNamesIndex},
		{name: "an index is within the budget", needs: []Topic{Queries, IndexPlans, QueryBudgets}, run: indexWithinBudget},
		{name: "indexes survive closing", needs: []Topic{reopening}, run: indexesSurvive},
	}
}

// indexer is the store with its indexes.
func (x *subject) indexer() store.Indexer {
	x.Helper()
	indexer, ok := store.As[store.Indexer](x.s)
	if !ok {
		x.Fatal("the store has no indexes")
	}
	return indexer
}

// index makes an index of the table of things.
func (x *subject) index(def store.Index) {
	x.Helper()
	made, err := x.indexer().PutIndex(x.Context(), things, def)
	x.expect("PutIndex "+def.Name, err, "")
	if !made {
		x.Fatalf("the index %s was there already", def.Name)
	}
}

// over is an index of these paths, all of one type.
func over(name string, t store.FieldType, paths ...string) store.Index {
	def := store.Index{Name: name}
	for _, path := range paths {
		def.Fields = append(def.Fields, store.IndexField{Path: pointer(path), Type: t})
	}
	return def
}

// unique makes a unique index of strings.
func (x *subject) unique(name string, paths ...string) {
	x.Helper()
	def := over(name, store.StringField, paths...)
	def.Unique = true
	x.index(def)
}

// indexes makes sure that a table has these indexes, ready, and no others.
func (x *subject) indexes(table string, want ...store.Index) []store.Index {
	x.Helper()
	got, err := x.indexer().Indexes(x.Context(), table)
	x.expect("Indexes", err, "")
	if !slices.EqualFunc(got, want, store.Index.SameDefinition) {
		x.Fatalf("the indexes are %+v, want %+v", got, want)
	}
	for _, def := range got {
		if !def.Ready {
			x.Fatalf("the index %s is not ready", def.Name)
		}
	}
	return got
}

func indexLife(x *subject) {
	x.indexes(things)
	x.apply(put("a", `{"n":1,"s":"x"}`), put("b", `{"n":"1","s":"x"}`), put("c", `{"n":2}`), put("d", `7`), putValue("e", opaque([]byte(`{"n":1}`))))
	byN, byS := over("by_n", store.NumberField, "/n"), over("By-s.2", store.StringField, "/s", "/n")
	x.index(byN)
	x.index(byS)
	for _, def := range x.indexes(things, byS, byN) {
		if def.Entries != 2 {
			x.Fatalf("the index %s has %d entries, want 2", def.Name, def.Entries)
		}
	}
	made, err := x.indexer().PutIndex(x.Context(), things, byN)
	x.expect("PutIndex again", err, "")
	if made {
		x.Fatal("the same index was made again")
	}
	replaced := over("by_n", store.StringField, "/n")
	x.index(replaced)
	if got := x.indexes(things, byS, replaced); got[1].Entries != 1 {
		x.Fatalf("the replaced index has %d entries, want 1", got[1].Entries)
	}
	x.indexes("others")
	x.expect("DropIndex", x.indexer().DropIndex(x.Context(), things, "by_n"), "")
	x.expect("DropIndex again", x.indexer().DropIndex(x.Context(), things, "by_n"), store.NotFound)
	x.expect("DropIndex of another table", x.indexer().DropIndex(x.Context(), "others", "By-s.2"), store.NotFound)
	x.indexes(things, byS)
	x.apply(del("a"), put("f", `{"s":"y"}`), put("b", `{}`))
	if got := x.indexes(things, byS); got[0].Entries != 1 {
		x.Fatalf("after some writes the index has %d entries, want 1", got[0].Entries)
	}
}

func badIndexes(x *subject) {
	field := store.IndexField{Path: pointer("/n"), Type: store.NumberField}
	for _, def := range []store.Index{
		{Name: "", Fields: []store.IndexField{field}},
		{Name: "a/b", Fields: []store.IndexField{field}},
		{Name: "_a", Fields: []store.IndexField{field}},
		{Name: "a"},
		{Name: "a", Fields: make([]store.IndexField, store.MaxIndexFields+1)},
		{Name: "a", Fields: []store.IndexField{{Path: pointer(""), Type: store.NumberField}}},
		{Name: "a", Fields: []store.IndexField{{Path: pointer("/n"), Type: "date"}}},
		{Name: "a", Fields: []store.IndexField{field, {Path: pointer("/m")}}},
	} {
		_, err := x.indexer().PutIndex(x.Context(), things, def)
		x.expect(fmt.Sprintf("PutIndex(%.200v)", def), err, store.InvalidIndex)
	}
	for _, table := range []string{"", "a/b"} {
		_, err := x.indexer().PutIndex(x.Context(), table, over("a", store.NumberField, "/n"))
		x.expect("PutIndex on table "+table, err, store.InvalidTable)
		_, err = x.indexer().Indexes(x.Context(), table)
		x.expect("Indexes of table "+table, err, store.InvalidTable)
		x.expect("DropIndex of table "+table, x.indexer().DropIndex(x.Context(), table, "a"), store.InvalidTable)
	}
	x.indexes(things)
}

func tooManyIndexes(x *subject) {
	var all []store.Index
	for i := range store.MaxIndexes {
		all = append(all, over(fmt.Sprintf("%02d", i), store.NumberField, "/n"))
		x.index(all[i])
	}
	_, err := x.indexer().PutIndex(x.Context(), things, over("more", store.NumberField, "/n"))
	x.expect("one index too many", err, store.InvalidIndex)
	x.indexes(things, all...)
	all[3] = over("03", store.StringField, "/n")
	x.index(all[3])
	x.indexes(things, all...)
}

// vectorsWithIndexes asks all queries of the vectors again, with indexes on
// most of the paths they go by, made before, amid and after the writing.
func vectorsWithIndexes(x *subject) {
	put := func(table string, defs ...store.Index) {
		for i, def := range defs {
			def.Name = fmt.Sprintf("%02d", i)
			_, err := x.indexer().PutIndex(x.Context(), table, def)
			x.expect("PutIndex", err, "")
		}
	}
	people := []store.Index{
		over("", store.StringField, "/tier"), over("", store.NumberField, "/age"), over("", store.StringField, "/name"), over("", store.BooleanField, "/active"),
		over("", store.StringField, "/address/city", "/address/zip"), over("", store.NumberField, "/score"), over("", store.StringField, "/tags/0"),
	}
	kinds := []store.Index{over("", store.NumberField, "/v"), over("", store.StringField, "/v"), over("", store.BooleanField, "/v")}
	put("people", people[:3]...)
	put("kinds", kinds[:2]...)
	x.loadSets()
	put("people", people...)
	put("kinds", kinds...)
	put("texts", over("", store.StringField, "/t"))
	put("paths", over("", store.NumberField, "/a~1b"), over("", store.NumberField, "/0"), over("", store.NumberField, "/"))
	put("facts", over("", store.NumberField, "/n"))
	x.queryVectors()
	x.queryVectorsInPages()
}

// asEvaluated holds queries by n and s against the plain evaluator.
func (x *subject) asEvaluated() {
	x.Helper()
	all := x.everything()
	for _, q := range []store.Query{
		{Filter: value.Filter{Path: "/n", Op: value.OpEq, Value: []byte(`3`)}},
		{Filter: value.Filter{Path: "/n", Op: value.OpGte, Value: []byte(`2`)}, Sort: []store.Sort{{Path: "/n", Descending: true}}},
		{Filter: value.Filter{Path: "/n", Op: value.OpLt, Value: []byte(`4`)}, Sort: []store.Sort{{Path: "/s"}}},
		{Filter: value.Filter{Path: "/n", Op: value.OpIn, Value: []byte(`[1,3,"3",5]`)}},
		{Filter: value.Filter{Path: "/s", Op: value.OpPrefix, Value: []byte(`"a"`)}, Sort: []store.Sort{{Path: "/s"}, {Path: "/n"}}},
		{Filter: value.Filter{Path: "/s", Op: value.OpNe, Value: []byte(`"ab"`)}},
		{Sort: []store.Sort{{Path: "/n"}}},
		{Sort: []store.Sort{{Path: "/n", Descending: true}, {Path: "/s", Descending: true}}},
	} {
		q.Table = things
		want, err := store.Evaluate(q, all, x.limits)
		x.expect("Evaluate", err, "")
		if diff := compareEntries(x.search(q).Entries, want.Entries); diff != "" {
			x.Fatalf("%+v: %s", q, diff)
		}
		q.Limit = 2
		if diff := compareEntries(x.searchAll(q), want.Entries); diff != "" {
			x.Fatalf("%+v in pages: %s", q, diff)
		}
	}
}

func indexKeepsUp(x *subject) {
	x.index(over("by_n", store.NumberField, "/n"))
	x.index(over("by_s_n", store.StringField, "/s", "/n"))
	for i := range 12 {
		x.do(put(fmt.Sprintf("%02d", i), fmt.Sprintf(`{"n":%d,"s":%q}`, i%6, []string{"a", "ab", "abc", "b", ""}[i%5])))
	}
	x.asEvaluated()
	for _, ops := range [][]store.Op{
		{put("00", `{"n":3,"s":"b"}`), put("01", `{"n":"3"}`), put("02", `{"s":null}`), put("03", `7`), putValue("04", opaque([]byte(`{"n":3}`)))},
		{merge("05", `{"n":null}`), jsonPatch("06", `[{"op":"replace","path":"/n","value":3}]`), addAt("07", "/n", `2.5`)},
		{del("08"), del("00"), expire("09", store.ExpiresIn(hours))},
		{put("08", `{"n":3,"s":"again"}`), put("04", `{"n":3,"s":"ab"}`)},
		{merge("10", `{"n":9007199254740993}`), put("11", `{"n":9007199254740992,"s":"é🙂"}`)},
	} {
		x.apply(ops...)
		x.asEvaluated()
	}
	x.do(living(store.ExpiresIn(x.lifetime()), put("mortal", `{"n":3,"s":"ab"}`)))
	x.outlive("mortal")
	x.asEvaluated()
	x.do(put("mortal", `{"n":4,"s":"abc"}`))
	x.asEvaluated()
	if !x.lacks(Install) {
		x.install(foreign("installed", `{"n":3,"s":"ab"}`, 4), foreign("06", `{"n":1}`, 99), buried("07", 99))
		x.asEvaluated()
	}
	x.expect("DropIndex", x.indexer().DropIndex(x.Context(), things, "by_n"), "")
	x.asEvaluated()
}

func indexBuiltWhileWriting(x *subject) {
	var keys []string
	for i := range 200 {
		keys = append(keys, fmt.Sprintf("%03d", i))
	}
	x.applyEach(keys, func(key string) store.Op { return put(key, `{"n":1,"s":"a"}`) })
	together(4, func(c int) {
		if c == 0 {
			for i := range 4 {
				if _, err := x.indexer().PutIndex(x.Context(), things, over("by_n", []store.FieldType{store.NumberField, store.StringField}[i%2], "/n")); err != nil {
					x.Errorf("PutIndex: %v", err)
				}
			}
			return
		}
		for i := range 40 {
			op := put(keys[(i*7+c*50)%len(keys)], fmt.Sprintf(`{"n":%d,"s":"ab"}`, (i+c)%6))
			if i%4 == 0 {
				op = del(op.Ref.Key)
			}
			if _, err := x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
				x.Errorf("writer %d: %v", c, err)
			}
		}
	})
	x.index(over("by_n", store.NumberField, "/n"))
	x.asEvaluated()
	if got := x.indexes(things, over("by_n", store.NumberField, "/n")); got[0].Entries != int64(len(x.everything())) {
		x.Errorf("the index has %d entries, the table %d", got[0].Entries, len(x.everything()))
	}
}

func planNamesIndex(x *subject) {
	var keys []string
	for i := range 50 {
		keys = append(keys, fmt.Sprintf("%02d", i))
	}
	x.applyEach(keys, func(key string) store.Op { return put(key, `{"n":`+key[1:]+`,"s":"x"}`) })
	x.index(over("by_n", store.NumberField, "/n"))
	for _, f := range []value.Filter{
		{Path: "/n", Op: value.OpEq, Value: []byte(`3`)},
		{Path: "/n", Op: value.OpGt, Value: []byte(`7`)},
		{And: []value.Filter{{Path: "/s", Op: value.OpEq, Value: []byte(`"x"`)}, {Path: "/n", Op: value.OpEq, Value: []byte(`3`)}}},
	} {
		plan := x.search(store.Query{Table: things, Filter: f}).Plan
		if plan.Mode == store.ByScan || plan.Mode == store.ByIndex && plan.Index != "by_n" || plan.Scanned > 25 {
			x.Fatalf("%+v was answered by %+v", f, plan)
		}
	}
}

func indexWithinBudget(x *subject) {
	var keys []string
	for i := range 50 {
		keys = append(keys, fmt.Sprintf("%02d", i))
	}
	x.applyEach(keys, func(key string) store.Op { return put(key, `{"n":`+key[1:]+`}`) })
	x.index(over("by_n", store.NumberField, "/n"))
	q := store.Query{Table: things, Filter: value.Filter{Path: "/n", Op: value.OpEq, Value: []byte(`3`)}, Budget: 10}
	x.sameKeys("found by the index", x.search(q).Entries, "03", "13", "23", "33", "43")
	if n := x.count(q); n != 5 {
		x.Fatalf("counted %d, want 5", n)
	}
}

func indexesSurvive(x *subject) {
	byN, byS := over("by_n", store.NumberField, "/n"), over("by_s", store.StringField, "/s")
	x.index(byS)
	x.index(byN)
	x.apply(put("a", `{"n":3,"s":"ab"}`), put("b", `{"n":1}`))
	x.reopen()
	x.indexes(things, byN, byS)
	x.do(put("c", `{"n":3,"s":"abc"}`))
	if _, ok := store.As[store.Searcher](x.s); ok {
		x.asEvaluated()
	}
}

// pageFarBehind asks for pages around places up to which a store may read an
// index before it looks for another way.
func pageFarBehind(x *subject) {
	const count = 1_200
	x.index(over("by_n", store.NumberField, "/n"))
	ops := make([]store.Op, count)
	for i := range ops {
		ops[i] = put(fmt.Sprintf("k%04d", i), fmt.Sprintf(`{"n":%d}`, (i*7)%count))
	}
	for some := range slices.Chunk(ops, 400) {
		x.apply(some...)
	}
	for _, offset := range []int{0, 998, 999, 1_000, 1_001, 1_002, count - 1, count} {
		q := store.Query{Table: things, Filter: value.Filter{Path: "/n", Op: value.OpGte, Value: []byte("0")}, Offset: offset, Limit: 3}
		var want []string
		for i := offset; i < min(offset+q.Limit, count); i++ {
			want = append(want, ops[i].Ref.Key)
		}
		if found := x.search(q); !slices.Equal(keysOf(found.Entries), want) {
			x.Errorf("at offset %d are %q, want %q", offset, keysOf(found.Entries), want)
		}
	}
}
