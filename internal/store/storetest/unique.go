package storetest

import (
	"fmt"

	"larder/internal/store"
)

// uniqueTests belong to the topic of indexes. A unique index is held against
// the state after a batch as a whole, so that two entries may swap values.
func uniqueTests() []test {
	return []test{
		{name: "no two entries share a unique value", needs: []Topic{UniqueIndexes}, run: uniqueHolds},
		{name: "only values of the declared types are unique", needs: []Topic{UniqueIndexes}, run: uniqueByType},
		{name: "several fields are unique together", needs: []Topic{UniqueIndexes}, run: uniqueTogether},
		{name: "a batch is held to it as a whole", needs: []Topic{UniqueIndexes, Together}, run: uniqueInBatch},
		{name: "a unique index is not built over what breaks it", needs: []Topic{UniqueIndexes}, run: uniqueNotBuilt},
		{name: "of many that claim a value one gets it", needs: []Topic{UniqueIndexes}, run: uniqueAmongMany},
		{name: "a dry run knows of it", needs: []Topic{UniqueIndexes, Together}, run: uniqueDryRun},
		{name: "a unique index survives closing", needs: []Topic{UniqueIndexes, reopening}, run: uniqueSurvives},
		{name: "a store that has none refuses a unique index", needs: []Topic{plainOnly}, run: uniqueRefused},
	}
}

func uniqueHolds(x *subject) {
	x.unique("by_email", "/email")
	x.do(put("a", `{"email":"ada@example.org","n":1}`))
	x.refuseOne(store.UniqueViolation, put("b", `{"email":"ada@example.org"}`))
	x.do(put("b", `{"email":"bob@example.org"}`))
	x.refuseOne(store.UniqueViolation, put("b", `{"email":"ada@example.org"}`))
	x.refuseOne(store.UniqueViolation, merge("b", `{"email":"ada@example.org"}`))
	x.refuseOne(store.UniqueViolation, jsonPatch("b", `[{"op":"replace","path":"/email","value":"ada@example.org"}]`))

	// An entry does not stand in its own way.
	x.do(put("a", `{"email":"ada@example.org","n":2}`))
	x.do(merge("a", `{"n":3}`))
	x.do(addAt("a", "/n", `1`))
	x.do(expire("a", store.ExpiresIn(hours)))

	x.do(merge("a", `{"email":"ada@example.com"}`))
	x.do(merge("b", `{"email":"ada@example.org"}`))
	x.do(del("b"))
	x.do(put("c", `{"email":"ada@example.org"}`))
	x.do(put("c", `{}`))
	x.do(put("d", `{"email":"ada@example.org"}`))

	elsewhere := put("d", `{"email":"ada@example.org"}`)
	elsewhere.Ref.Table = "others"
	x.do(elsewhere)

	x.expect("DropIndex", x.indexer().DropIndex(x.Context(), things, "by_email"), "")
	x.do(put("e", `{"email":"ada@example.org"}`))
}

func uniqueByType(x *subject) {
	x.unique("by_s", "/s")
	for i, text := range []string{`{}`, `{}`, `{"s":null}`, `{"s":null}`, `{"s":1}`, `{"s":1}`, `{"s":["a"]}`, `{"s":["a"]}`, `7`, `7`, `{"s":"1"}`, `{"s":""}`, `{"s":"a"}`, `{"s":"A"}`, `{"s":"a "}`, `{"s":"é"}`, `{"s":"e\u0301"}`} {
		x.do(put(number(i), text))
	}
	x.do(putValue("bytes", opaque([]byte(`{"s":"a"}`))))
	for _, text := range []string{`{"s":"a"}`, `{"s":""}`, `{"s":"1"}`, `{"s":"\u0061"}`} {
		x.refuseOne(store.UniqueViolation, put("new", text))
	}

	def := over("by_n", store.NumberField, "/n")
	def.Unique = true
	x.index(def)
	x.apply(put("one", `{"n":1}`), put("big", `{"n":9007199254740993}`), put("beside", `{"n":9007199254740992}`))
	for _, text := range []string{`{"n":1.0}`, `{"n":1e0}`, `{"n":9007199254740993}`, `{"n":9007199254740993.0}`} {
		x.refuseOne(store.UniqueViolation, put("new", text))
	}
	x.refuseOne(store.UniqueViolation, addAt("beside", "/n", `-9007199254740991`))
	x.do(put("new", `{"n":"1"}`))
}

func uniqueTogether(x *subject) {
	x.unique("by_both", "/a", "/b")
	x.do(put("1", `{"a":"x","b":"y"}`))
	x.do(put("2", `{"a":"x","b":"z"}`))
	x.do(put("3", `{"a":"xy","b":""}`))
	x.do(put("4", `{"a":"","b":"xy"}`))
	x.do(put("5", `{"a":"x"}`))
	x.do(put("6", `{"a":"x"}`))
	x.do(put("7", `{"b":"y"}`))
	x.do(put("8", `{"a":"x","b":1}`))
	x.do(put("9", `{"a":"x","b":1}`))
	x.refuseOne(store.UniqueViolation, put("new", `{"b":"y","a":"x"}`))
	x.refuseOne(store.UniqueViolation, merge("2", `{"b":"y"}`))
	x.refuseOne(store.UniqueViolation, merge("5", `{"b":"z"}`))
}

func uniqueInBatch(x *subject) {
	x.unique("by_s", "/s")
	err := x.refuse(store.BatchFailed, put("a", `{"s":"x"}`), put("other", `{}`), put("b", `{"s":"x"}`))
	if len(err.Failures) == 0 || err.Failures[0].Err.Code != store.UniqueViolation || err.Failures[0].Index == 1 {
		x.Fatalf("the failures are %+v", err.Failures)
	}
	x.apply(put("a", `{"s":"x"}`), put("b", `{"s":"y"}`))
	x.apply(put("a", `{"s":"y"}`), put("b", `{"s":"x"}`))
	x.apply(merge("b", `{"s":"y"}`), merge("a", `{"s":"x"}`))
	x.apply(put("c", `{"s":"x"}`), del("a"))
	x.apply(del("b"), put("a", `{"s":"y"}`))
	x.apply(put("a", `{"s":"z"}`), put("b", `{"s":"y"}`))
	x.apply(put("a", `{"s":"x"}`), put("b", `{"s":"z"}`), put("c", `{"s":"y"}`)) // all three in a ring

	err = x.refuse(store.BatchFailed, del("a"), put("d", `{"s":"y"}`))
	if len(err.Failures) != 1 || err.Failures[0].Index != 1 || err.Failures[0].Err.Code != store.UniqueViolation {
		x.Fatalf("the failures are %+v", err.Failures)
	}
	x.refuse(store.BatchFailed, put("a", `{"s":"y"}`), put("b", `{"s":"y"}`), put("c", `{"s":"x"}`))
	x.refuse(store.BatchFailed, put("d", `{"s":"new"}`), check("none", ifExists))
	x.do(put("e", `{"s":"new"}`)) // which the failed batch does not hold
}

func uniqueNotBuilt(x *subject) {
	x.apply(put("a", `{"s":"x","n":1}`), put("b", `{"s":"x","n":2}`), put("c", `{"s":"y","n":3}`))
	def := over("by_s", store.StringField, "/s")
	def.Unique = true
	_, err := x.indexer().PutIndex(x.Context(), things, def)
	x.expect("PutIndex", err, store.UniqueViolation)
	x.indexes(things)
	x.do(put("d", `{"s":"y"}`)) // nothing of it holds
	x.apply(del("b"), del("d"))
	x.index(def)
	x.refuseOne(store.UniqueViolation, put("b", `{"s":"x"}`))

	// One that was not unique becomes so only where it can.
	plain := over("by_t", store.StringField, "/t")
	x.index(plain)
	x.apply(put("e", `{"t":"x"}`), put("f", `{"t":"x"}`))
	strict := plain
	strict.Unique = true
	_, err = x.indexer().PutIndex(x.Context(), things, strict)
	x.expect("PutIndex", err, store.UniqueViolation)
	x.do(put("g", `{"t":"x"}`))
}

func uniqueAmongMany(x *subject) {
	x.unique("by_s", "/s")
	for round := range 5 {
		const clients = 6
		won := make([]bool, clients)
		together(clients, func(c int) {
			_, err := x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{put(fmt.Sprintf("%d-%d", round, c), fmt.Sprintf(`{"s":"%d"}`, round))}})
			won[c] = err == nil
			if err != nil && store.CodeOf(err) != store.UniqueViolation {
				x.Errorf("client %d: %v", c, err)
			}
		})
		entries := x.scan(store.Scan{Table: things, Prefix: number(round) + "-"}).Entries
		if len(entries) != 1 {
			x.Fatalf("round %d has the entries %q, and was won by %v", round, keysOf(entries), won)
		}
	}
}

func uniqueDryRun(x *subject) {
	x.unique("by_s", "/s")
	x.do(put("a", `{"s":"x"}`))
	_, err := x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{put("b", `{"s":"x"}`)}, DryRun: true})
	x.expect("a dry run", err, store.UniqueViolation)
	_, err = x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{put("b", `{"s":"x"}`), del("a")}, DryRun: true})
	x.expect("a dry run", err, "")
	x.do(put("c", `{"s":"y"}`))
	x.refuseOne(store.UniqueViolation, put("c", `{"s":"x"}`))
}

func uniqueSurvives(x *subject) {
	x.unique("by_s", "/s")
	x.do(put("a", `{"s":"ab"}`))
	x.reopen()
	unique := over("by_s", store.StringField, "/s")
	unique.Unique = true
	x.indexes(things, unique)
	x.refuseOne(store.UniqueViolation, put("c", `{"s":"ab"}`))
	x.do(put("c", `{"s":"abc"}`))
}

func uniqueRefused(x *subject) {
	plain := over("by_s", store.StringField, "/s")
	x.index(plain)
	for _, name := range []string{"by_s", "another"} {
		def := over(name, store.StringField, "/s")
		def.Unique = true
		_, err := x.indexer().PutIndex(x.Context(), things, def)
		x.expect("PutIndex of a unique one", err, store.Unsupported)
		x.indexes(things, plain)
	}
	x.apply(put("a", `{"s":"x"}`), put("b", `{"s":"x"}`))
}
