package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// The random tests work on few keys of two tables, so that operations meet.
// Only the second has unique indexes; only the first has entries installed.
var (
	randomTables = []string{"first", "second"}
	randomKeys   = []string{"a", "b", "c", "a/1", "a/2", "a/b/1", "é", "k%", "k_", "🙂", "A"}
)

// generator makes up steps. What depends on the state that a step will find,
// such as a version, it leaves to the step.
type generator struct {
	*rand.Rand
	can   map[Topic]bool
	marks int
	kinds []kindOfStep
	total int
}

type kindOfStep struct {
	weight int
	needs  Topic
	make   func() step
}

func newGenerator(r *rand.Rand, can map[Topic]bool) *generator {
	g := &generator{Rand: r, can: can}
	for _, kind := range []kindOfStep{
		{60, "", func() step { return g.apply() }},
		{6, "", func() step { return g.read() }},
		{8, "", func() step { return g.scan() }},
		{8, Queries, func() step { return g.query() }},
		{5, "", func() step { return g.follow() }},
		{4, "", func() step { return g.mark() }},
		{4, Install, func() step { return g.install() }},
		{2, Indexes, func() step { return g.index() }},
		{1, "", func() step { return countTables{} }},
		{2, clock, func() step { return advance{time.Duration(1+g.IntN(3)) * shortLife / 2} }},
		{1, reopening, func() step { return reopen{} }},
	} {
		if kind.needs == "" || can[kind.needs] {
			g.kinds = append(g.kinds, kind)
			g.total += kind.weight
		}
	}
	return g
}

func (g *generator) step() step {
	n := g.IntN(g.total)
	for _, kind := range g.kinds {
		if n -= kind.weight; n < 0 {
			return kind.make()
		}
	}
	return countTables{}
}

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

func (g *generator) ref() store.Ref {
	return store.Ref{Table: pick(g, randomTables...), Key: pick(g, randomKeys...)}
}

func (g *generator) apply() step {
	if g.oneIn(40) {
		// By itself, since it is a matter of taste what is looked at first.
		bad := store.Op{Kind: store.Put, Ref: g.ref(), Value: g.value(), Expiry: store.ExpiresIn(-time.Second)}
		return apply{ops: []randomOp{{Op: bad}}}
	}
	count := 1
	if g.can[Together] && g.oneIn(3) {
		count = 2 + g.IntN(4)
	}
	s := apply{dryRun: g.oneIn(12)}
	for range count {
		op := g.op()
		if op.Kind == store.Expire && (count > 1 || s.dryRun) && !g.can[ChangedEnds] && op.Expiry.Never() {
			op.Expiry = store.ExpiresIn(2000 * time.Hour)
		}
		s.ops = append(s.ops, op)
	}
	return s
}

func (g *generator) op() randomOp {
	op := randomOp{Op: store.Op{Kind: g.kind(), Ref: g.ref()}}
	switch op.Kind {
	case store.Put:
		op.Value = g.value()
		if g.oneIn(4) {
			op.Metadata = map[string]string{pick(g, "tier", "owner"): pick(g, "gold", "é", "")}
		}
	case store.Patch:
		op.PatchType, op.Patch = g.patch()
	case store.Increment:
		op.Increment = g.increment()
	case store.Expire:
		if op.Expiry = g.expiry(); op.Expiry.Keeps() {
			op.Expiry = store.NeverExpires()
		}
	}
	if op.Kind == store.Put || op.Kind == store.Patch || op.Kind == store.Increment {
		if g.oneIn(4) && (op.Kind == store.Put || g.can[ChangedEnds]) {
			op.Expiry = g.expiry()
		}
		if g.can[DefaultTTL] && g.oneIn(8) {
			op.DefaultTTL = 3 * time.Hour
		}
	}
	switch n := g.IntN(20); {
	case n < 2:
		op.If.Absent = true
	case n < 4 || op.Kind == store.Check:
		op.If.Exists = true
	case n < 7:
		op.ifVersion, op.off = true, pick(g, 0, 0, 0, 0, -1, 1)
	}
	return op
}

func (g *generator) kind() store.Kind {
	switch n := g.IntN(20); {
	case n < 8:
		return store.Put
	case n < 11:
		return store.Delete
	case n < 14:
		return store.Patch
	case n < 16:
		return store.Increment
	case n < 18:
		return store.Expire
	}
	return pick(g, store.Get, store.Check)
}

// value makes documents that queries, patches and increments have a hold on.
func (g *generator) value() value.Value {
	switch g.IntN(12) {
	case 0:
		return opaque([]byte(pick(g, "", "\x00\xff", `{"n":1}`)))
	case 1:
		return doc(g.scalar())
	}
	var members []string
	for _, name := range []string{"n", "s", "v", "a/b"} {
		if !g.oneIn(4) {
			members = append(members, fmt.Sprintf("%q:%s", name, g.member(name)))
		}
	}
	return doc("{" + strings.Join(members, ",") + "}")
}

func (g *generator) member(name string) string {
	switch {
	case name == "n" && !g.oneIn(5):
		return g.number()
	case name == "s" && !g.oneIn(5):
		return g.text()
	}
	switch g.IntN(5) {
	case 0:
		return "[" + g.scalar() + "," + g.scalar() + "]"
	case 1:
		return `{"x":` + g.scalar() + `}`
	}
	return g.scalar()
}

func (g *generator) scalar() string {
	return pick(g, g.number(), g.text(), "null", "true", "false", "[]", "{}")
}

// big is an integer that no float64 holds.
const big = "9007199254740993"

func (g *generator) number() string {
	return pick(g, big, "0", "1", "2", "3", "10", "-1", "0.1", "0.2", "2.50", "1e2", "9007199254740991", "9007199254740993", "-9007199254740990", "1e300", "123456789012345678901234567890")
}

func (g *generator) text() string {
	return pick(g, `""`, `"a"`, `"ab"`, `"abc"`, `"A"`, `"10"`, `"é"`, `"e\u0301"`, `"🙂"`, `"a%"`, `"a_"`, `"\\"`, `"\""`, `"\n"`)
}

func (g *generator) patch() (store.PatchType, []byte) {
	if g.oneIn(2) {
		return store.MergePatch, doc(pick(g, `{"n":null}`, `{"s":"ab"}`, `{"v":{"x":null,"y":1}}`, `{}`, `7`, `{"n":`+g.number()+`}`)).Data
	}
	return store.JSONPatch, doc(pick(g,
		`[]`, `[{"op":"add","path":"/n","value":`+g.number()+`}]`, `[{"op":"remove","path":"/s"}]`, `[{"op":"test","path":"/n","value":1},{"op":"replace","path":"/n","value":2}]`,
		`[{"op":"move","from":"/n","path":"/v"}]`, `[{"op":"copy","from":"/s","path":"/a~1b"}]`, `[{"op":"add","path":"/v/-","value":null}]`, `[{"op":"replace","path":"","value":{"n":1}}]`, `[{"op":"bad"}]`,
	)).Data
}

func (g *generator) increment() store.Step {
	s := store.Step{Delta: doc(pick(g, "1", "-1", "0.1", "2", "9007199254740990", "1e300")).Data}
	if !g.oneIn(3) {
		s.Path = pointer(pick(g, "/n", "/n", "/v", "/v/x", "/made/here"))
	}
	if g.oneIn(2) {
		s.Initial = []byte("0")
	}
	if g.oneIn(4) {
		s.Min, s.Max = []byte("-5"), []byte("5")
	}
	return s
}

// shortLife is a ttl that ends when the clock is advanced; others don't end.
const shortLife = time.Minute

func (g *generator) expiry() store.Expiry {
	if g.can[clock] && g.oneIn(2) {
		return store.ExpiresIn(shortLife)
	}
	return pick(g, store.NeverExpires(), store.KeepExpiry(), store.ExpiresIn(2000*time.Hour), store.ExpiresIn(5000*time.Hour), store.ExpiresIn(8000*time.Hour))
}

func (g *generator) read() step {
	var s read
	for range 1 + g.IntN(4) {
		s = append(s, g.ref())
	}
	return s
}

func (g *generator) scan() step {
	s := store.Scan{Table: pick(g, randomTables...), Limit: pick(g, 0, 1, 2, 3, 7)}
	if g.oneIn(2) {
		s.Prefix = pick(g, "a", "a/", "k%", "é", "none")
	}
	if g.oneIn(3) {
		s.Start = pick(g, "a", "a/1", "b", "k%", "z")
	}
	if g.oneIn(3) {
		s.End = pick(g, "a/2", "c", "k_", "é")
	}
	s.KeysOnly = g.oneIn(4)
	switch g.IntN(6) {
	case 0:
		s.Order = store.ByChange
	case 1:
		s.Order = store.ByExpiry
	case 2:
		s.Delimiter = "/"
	}
	s.Reverse = s.Order == store.ByKey && g.oneIn(3)
	return scan(s)
}

func (g *generator) query() step {
	q := store.Query{Table: pick(g, randomTables...), Limit: pick(g, 0, 1, 2, 3)}
	switch g.IntN(6) {
	case 0:
	case 1, 2: // what indexes are made for
		q.Filter = value.Filter{Path: "/n", Op: pick(g, value.OpEq, value.OpGt, value.OpGte, value.OpLt, value.OpLte), Value: doc(pick(g, "1", "2", "0.1", big, g.number())).Data}
	default:
		q.Filter = g.filter(3)
	}
	for range g.IntN(3) {
		q.Sort = append(q.Sort, store.Sort{Path: pick(g, "/n", "/s", "/v", "/v/x", "/a~1b", "$key", "$version", "$metadata/tier"), Descending: g.oneIn(2)})
	}
	if g.oneIn(4) {
		q.Select = []value.Pointer{pointer(pick(g, "/n", "/v/x", "/none")), pointer("/s")}
	}
	if g.oneIn(5) {
		q.Offset = g.IntN(4)
	}
	return query(q)
}

func (g *generator) filter(depth int) value.Filter {
	if depth > 0 && g.oneIn(2) {
		switch g.IntN(3) {
		case 0:
			return value.Filter{And: []value.Filter{g.filter(depth - 1), g.filter(depth - 1)}}
		case 1:
			return value.Filter{Or: []value.Filter{g.filter(depth - 1), g.filter(depth - 1)}}
		}
		inner := g.filter(depth - 1)
		return value.Filter{Not: &inner}
	}
	f := value.Filter{Path: pick(g, "/n", "/n", "/s", "/s", "/v", "/v/x", "/v/0", "/a~1b", "", "$key", "$version", "$metadata/tier")}
	f.Op = pick(g, value.OpEq, value.OpNe, value.OpGt, value.OpGte, value.OpLt, value.OpLte, value.OpIn, value.OpNin, value.OpLike, value.OpNotLike, value.OpIsNull, value.OpIsNotNull, value.OpExists, value.OpPrefix, value.OpContains)
	switch f.Op {
	case value.OpIsNull, value.OpIsNotNull, value.OpExists:
	case value.OpIn, value.OpNin:
		f.Value = doc("[" + g.scalar() + "," + g.number() + "," + g.text() + "]").Data
	case value.OpLike, value.OpNotLike:
		f.Value = doc(pick(g, `"a%"`, `"_"`, `"%b%"`, `"a\\%"`, `"%"`, `""`, `"é"`, `"__"`)).Data
	case value.OpPrefix:
		f.Value = doc(g.text()).Data
	case value.OpGt, value.OpGte, value.OpLt, value.OpLte:
		f.Value = doc(pick(g, g.number(), g.text(), "true", "false")).Data
	default:
		f.Value = doc(g.scalar()).Data
	}
	return f
}

func (g *generator) feed() store.Changes {
	c := store.Changes{Table: pick(g, randomTables...)}
	if g.oneIn(3) {
		c.Prefix = pick(g, "a", "a/", "k%", "none")
	}
	return c
}

func (g *generator) mark() step {
	g.marks++
	return mark(g.feed())
}

func (g *generator) follow() step {
	s := follow{mark: -1, Changes: g.feed()}
	s.Limit = pick(g, 0, 1, 2, 5)
	switch {
	case g.marks > 0 && !g.oneIn(3):
		s.mark = g.IntN(g.marks)
	case g.can[WholeFeed] && g.oneIn(4):
		s.Table = ""
	}
	return s
}

func (g *generator) install() step {
	var s install
	for range 1 + g.IntN(3) {
		e := foreign(pick(g, randomKeys...), "null", 1)
		e.Table, e.Value = randomTables[0], g.value()
		s = append(s, installed{e, pick(g, -1, 0, 1, 1, 2, 5), g.oneIn(3)})
	}
	return s
}

func (g *generator) index() step {
	if g.oneIn(3) {
		return dropIndex{pick(g, randomTables...), pick(g, "by_n", "by_s", "by_v")}
	}
	table := pick(g, randomTables...)
	def := pick(g,
		over("by_n", store.NumberField, "/n"), over("by_s", store.StringField, "/s"), over("by_s", store.StringField, "/s", "/a~1b"), over("by_v", store.NumberField, "/v/x"), over("by_v", store.BooleanField, "/v"))
	def.Fields = slices.Clone(def.Fields)
	def.Unique = table == randomTables[1] && def.Name == "by_s" && g.can[UniqueIndexes] && g.oneIn(2)
	return putIndex{table, def}
}
