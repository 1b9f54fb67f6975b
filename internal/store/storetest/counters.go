package storetest

import (
	"strconv"

	"larder/internal/store"
)

func counterTests() []test {
	return []test{
		{name: "sums are exact", run: exactSums},
		{name: "no sum passes what every client can hold", run: sumsWithinBounds},
		{name: "own bounds hold", run: sumsWithinOwnBounds},
		{name: "an initial number stands in for one that is absent", run: initialNumbers},
		{name: "what is no number is refused", run: notNumbers},
		{name: "a bad step is refused", run: badSteps},
		{name: "the rest of the document stays", run: counterInDocument},
		{name: "concurrent increments sum up", run: concurrentIncrements},
	}
}

// integer is the number an entry holds.
func (x *subject) integer(e store.Entry) int64 {
	x.Helper()
	n, err := strconv.ParseInt(string(e.Value.Data), 10, 64)
	if err != nil {
		x.Fatalf("%s is no integer: %v", show(e), err)
	}
	return n
}

// sum makes sure of the value after a step.
func (x *subject) sum(op store.Op, want string) {
	x.Helper()
	for _, e := range []store.Entry{x.do(op), x.present(op.Ref.Key)} {
		if string(e.Value.Data) != want {
			x.Fatalf("adding %s gave %s, want %s", op.Increment.Delta, e.Value.Data, want)
		}
	}
}

func exactSums(x *subject) {
	for i, v := range []struct{ start, delta, sum string }{
		{`1`, `1`, `2`},
		{`1`, `-2`, `-1`},
		{`1`, `-1`, `0`},
		{`-1`, `1`, `0`},
		{`5`, `0`, `5`},
		{`9007199254740990`, `1`, `9007199254740991`},
		{`-9007199254740990`, `-1`, `-9007199254740991`},
		{`9007199254740991`, `-9007199254740991`, `0`},
		{`9007199254741002`, `-100`, `9007199254740902`},
		{`18446744073709551616`, `-18446744073709551615`, `1`},
		{`123456789012345678901234567890`, `-123456789012345678901234567889`, `1`},
		{`0.1`, `0.2`, `0.3`},
		{`0.1`, `-0.3`, `-0.2`},
		{`1.5`, `1.5`, `3`},
		{`1000000`, `0.000001`, `1000000.000001`},
		{`1e3`, `1`, `1001`},
		{`9007199254740990.5`, `0.5`, `9007199254740991`},
		{`0.3333333333333333333333333333`, `0.6666666666666666666666666667`, `1`},
	} {
		key := number(i)
		x.do(put(key, v.start))
		x.sum(add(key, v.delta), string(doc(v.sum).Data))
	}
}

func sumsWithinBounds(x *subject) {
	for i, v := range []struct{ start, delta string }{
		{`9007199254740991`, `1`},
		{`-9007199254740991`, `-1`},
		{`9007199254740991`, `0.5`},
		{`1`, `9007199254740991`},
		{`0`, `1e300`},
		{`1e300`, `1`},
		{`1e300`, `1e300`},
		{`18446744073709551616`, `-1`},
	} {
		key := number(i)
		x.do(put(key, v.start))
		x.refuseOne(store.OutOfRange, add(key, v.delta))
	}
	x.refuseOne(store.OutOfRange, addFrom("new", `1`, `9007199254740991`))
	x.absent("new")
}

func sumsWithinOwnBounds(x *subject) {
	within := func(delta string) store.Op {
		op := add("k", delta)
		op.Increment.Min, op.Increment.Max = doc(`0`).Data, doc(`10`).Data
		return op
	}
	x.do(put("k", `5`))
	x.sum(within(`5`), `10`)
	x.refuseOne(store.OutOfRange, within(`1`))
	x.refuseOne(store.OutOfRange, within(`0.1`))
	x.sum(within(`-10`), `0`)
	x.refuseOne(store.OutOfRange, within(`-1`))
	x.sum(within(`0`), `0`)
	x.do(put("k", `20`))
	x.refuseOne(store.OutOfRange, within(`0`))
	x.sum(within(`-15`), `5`)
	least := add("k", `-4`)
	least.Increment.Min = doc(`0.5`).Data
	x.sum(least, `1`)
	x.refuseOne(store.OutOfRange, least)
}

func initialNumbers(x *subject) {
	x.refuseOne(store.NotFound, add("k", `1`))
	x.sum(addFrom("k", `1`, `41`), `42`)
	x.sum(addFrom("k", `1`, `41`), `43`)
	x.do(del("k"))
	x.sum(addFrom("k", `-1`, `0`), `-1`)
	if e := x.present("k"); e.Version != 4 {
		x.Fatalf("there is %s, want version 4", show(e))
	}

	deep := addAt("made", "/a/b~1c/d", `2`)
	x.refuseOne(store.NotFound, deep)
	deep.Increment.Initial = doc(`0.5`).Data
	x.sum(deep, `{"a":{"b/c":{"d":2.5}}}`)
	x.sum(deep, `{"a":{"b/c":{"d":4.5}}}`)

	member := addAt("made", "/hits", `1`)
	x.refuseOne(store.NotANumber, member)
	member.Increment.Initial = doc(`0`).Data
	x.sum(member, `{"a":{"b/c":{"d":4.5}},"hits":1}`)

	x.do(put("list", `[1]`))
	x.sum(addAt("list", "/0", `1`), `[2]`)
	x.refuseOne(store.NotANumber, addAt("list", "/1", `1`))

	missing := addAt("made", "/no/way", `1`)
	missing.Increment.Initial = doc(`0`).Data
	x.refuseOne(store.NotANumber, missing)
	through := addAt("made", "/hits/way", `1`)
	through.Increment.Initial = doc(`0`).Data
	x.refuseOne(store.NotANumber, through)
}

func notNumbers(x *subject) {
	for i, text := range []string{`null`, `true`, `"1"`, `""`, `[1]`, `{"n":1}`} {
		key := number(i)
		x.do(put(key, text))
		x.refuseOne(store.NotANumber, add(key, `1`))
		x.refuseOne(store.NotANumber, addFrom(key, `1`, `0`))
	}
	x.do(put("doc", `{"n":"1","list":[null],"o":{}}`))
	for _, path := range []string{"", "/n", "/list", "/list/0", "/list/x", "/o", "/missing", "/n/x"} {
		x.refuseOne(store.NotANumber, addAt("doc", path, `1`))
	}
}

func badSteps(x *subject) {
	x.do(put("k", `1`))
	for _, step := range []store.Step{
		{},
		{Delta: []byte(`"1"`)},
		{Delta: []byte(`null`)},
		{Delta: []byte(`[1]`)},
		{Delta: []byte(`1`), Initial: []byte(`"0"`)},
		{Delta: []byte(`1`), Min: []byte(`true`)},
		{Delta: []byte(`1`), Max: []byte(`{}`)},
		{Delta: []byte(`1`), Min: []byte(`2`), Max: []byte(`1`)},
	} {
		x.refuseOne(store.InvalidOperation, store.Op{Kind: store.Increment, Ref: ref("k"), Increment: step})
	}
}

func counterInDocument(x *subject) {
	x.do(tagged(map[string]string{"a": "b"}, put("k", `{"big":9007199254740993,"hits":{"é":1},"list":[{"n":1},2],"text":"x"}`)))
	x.sum(addAt("k", "/hits/é", `1`), `{"big":9007199254740993,"hits":{"é":2},"list":[{"n":1},2],"text":"x"}`)
	x.sum(addAt("k", "/list/0/n", `-1`), `{"big":9007199254740993,"hits":{"é":2},"list":[{"n":0},2],"text":"x"}`)
	x.sum(addAt("k", "/list/1", `0.5`), `{"big":9007199254740993,"hits":{"é":2},"list":[{"n":0},2.5],"text":"x"}`)
	if e := x.present("k"); e.Metadata["a"] != "b" || e.Version != 4 {
		x.Fatalf("there is %s", show(e))
	}
}

func concurrentIncrements(x *subject) {
	const clients, rounds = 8, 15
	x.do(put("doc", `{"hits":0}`))
	together(clients, func(c int) {
		for range rounds {
			for _, op := range []store.Op{addFrom("counter", `1`, `0`), addAt("doc", "/hits", `1`), addFrom("tenths", `0.1`, `0`)} {
				if _, err := x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
					x.Errorf("client %d: %v", c, err)
				}
			}
		}
	})
	if e := x.present("counter"); x.integer(e) != clients*rounds || e.Version != clients*rounds {
		x.Errorf("%d increments came to %s", clients*rounds, show(e))
	}
	if e := x.present("doc"); string(e.Value.Data) != `{"hits":120}` {
		x.Errorf("%d increments came to %s", clients*rounds, show(e))
	}
	if e := x.present("tenths"); string(e.Value.Data) != `12` {
		x.Errorf("%d tenths came to %s", clients*rounds, show(e))
	}
}
