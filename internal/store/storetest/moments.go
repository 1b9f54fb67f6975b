package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"larder/internal/store"
	"larder/internal/value"
)

// momentTests belong to the topic of scans, queryMomentTests to that of
// queries. All move amounts between entries and read every entry meanwhile.
func momentTests() []test {
	return []test{
		{name: "a page is of one moment", needs: []Topic{Together}, run: scanMoment},
	}
}

func queryMomentTests() []test {
	return []test{
		{name: "a query is of one moment", needs: []Topic{Together}, run: func(x *subject) { x.queryMoment() }},
		{name: "a query by an index is of one moment", needs: []Topic{Together, Indexes}, run: func(x *subject) {
			x.queryMoment(over("by_n", store.NumberField, "/n"), over("by_side_n", store.StringField, "/side"), over("by_kind", store.StringField, "/kind", "/side"))
		}},
	}
}

const (
	traders    = 3
	startMoney = 100
)

// account is what an entry holds: an amount, and the side it is on, of which
// each has as many entries at any moment.
type account struct {
	N    int    `json:"n"`
	Side string `json:"side"`
	Kind string `json:"kind"`

	key     string
	version int64
}

func (a *account) put() store.Op {
	return onlyIf(store.IfVersion(a.version), put(a.key, fmt.Sprintf(`{"n":%d,"side":%q,"kind":"account"}`, a.N, a.Side)))
}

// market has amounts moved between entries until it is closed.
type market struct {
	*subject
	count int
	wrote chan struct{} // a batch was just done, for whoever waits for one

	over  context.Context
	close context.CancelFunc
	wg    sync.WaitGroup
}

// market opens one. Each trader has entries of its own and so knows what they
// hold.
func (x *subject) market() *market {
	x.Helper()
	m := &market{subject: x, count: min(300, x.limits.MaxPage/traders/2*traders*2), wrote: make(chan struct{})}
	m.over, m.close = context.WithCancel(x.Context())
	accounts := make([][]*account, traders)
	for i := range m.count {
		a := &account{N: startMoney, Side: []string{"left", "right"}[i/traders%2], key: fmt.Sprintf("%04d", i), version: 1}
		accounts[i%traders] = append(accounts[i%traders], a)
	}
	for _, own := range accounts {
		var ops []store.Op
		for _, a := range own {
			op := a.put()
			op.If = ifAbsent
			ops = append(ops, op)
		}
		x.apply(ops...)
	}
	for _, own := range accounts {
		m.wg.Go(func() { m.trade(own) })
	}
	return m
}

// end waits for the traders.
func (m *market) end() {
	m.close()
	m.wg.Wait()
}

// trade moves an amount from one entry to one of the other side, and has the
// two change sides, again and again.
func (m *market) trade(own []*account) {
	for round := 1; m.over.Err() == nil; round++ {
		from, to := own[round*7%len(own)], own[round*11%len(own)]
		for i := 1; from.Side == to.Side; i++ {
			to = own[(round*11+i)%len(own)]
		}
		amount := min(from.N, round%40+1)
		from.N, to.N = from.N-amount, to.N+amount
		from.Side, to.Side = to.Side, from.Side
		if _, err := m.s.Apply(m.Context(), store.Batch{Ops: []store.Op{from.put(), to.put()}}); err != nil {
			m.Errorf("moving an amount: %v", err)
			m.close()
			return
		}
		from.version++
		to.version++
		select {
		case m.wrote <- struct{}{}:
		default:
		}
	}
}

// reads calls for reads, with at least a trade between any two.
func (m *market) reads(read func(round int)) {
	const rounds = 12
	for round := range rounds {
		read(round)
		select {
		case <-m.wrote:
		case <-m.over.Done():
			m.FailNow()
		}
	}
}

// balanced makes sure that entries are all there are, and of one moment.
func (m *market) balanced(what string, entries []store.Entry) {
	m.Helper()
	seen := make(map[string]bool)
	sides := make(map[string]int)
	sum := 0
	for _, e := range entries {
		var a account
		if err := json.Unmarshal(e.Value.Data, &a); err != nil {
			m.Fatalf("%s: %s: %v", what, show(e), err)
		}
		if seen[e.Key] {
			m.Fatalf("%s shows %q twice", what, e.Key)
		}
		seen[e.Key] = true
		sides[a.Side]++
		sum += a.N
	}
	if len(entries) != m.count || sum != m.count*startMoney || sides["left"] != m.count/2 {
		m.Fatalf("%s shows %d entries with %d in all, %v: want %d with %d, as many on each side", what, len(entries), sum, sides, m.count, m.count*startMoney)
	}
}

func scanMoment(x *subject) {
	m := x.market()
	defer m.end()
	m.reads(func(round int) {
		s := []store.Scan{{}, {Reverse: true}, {Order: store.ByChange}, {Start: "0", End: "9"}}[round%4]
		s.Table, s.Limit = things, m.count
		m.balanced(fmt.Sprintf("%+v", s), x.page(s).Entries)
	})
}

// queryMoment asks for all, and for what is always as much.
func (x *subject) queryMoment(indexes ...store.Index) {
	x.Helper()
	m := x.market()
	defer m.end()
	for _, def := range indexes {
		x.index(def)
	}
	some := value.Filter{Path: "/n", Op: value.OpGte, Value: []byte(`0`)}
	left := value.Filter{Path: "/side", Op: value.OpEq, Value: []byte(`"left"`)}
	m.reads(func(round int) {
		q := []store.Query{
			{},
			{Filter: some, Sort: []store.Sort{{Path: "/n", Descending: true}}},
			{Filter: value.Filter{Path: "/kind", Op: value.OpEq, Value: []byte(`"account"`)}, Sort: []store.Sort{{Path: "/side"}}},
			{Sort: []store.Sort{{Path: "/n"}}},
			{Filter: left},
			{Filter: value.Filter{And: []value.Filter{left, some}}, Sort: []store.Sort{{Path: "/n"}}},
		}[round%6]
		q.Table, q.Limit = things, m.count
		want := m.count
		if round%6 < 4 {
			m.balanced(describeQuery(q), x.search(q).Entries)
		} else if want /= 2; len(x.search(q).Entries) != want {
			x.Fatalf("%s did not find %d", describeQuery(q), want)
		}
		if n := x.count(q); n != want {
			x.Fatalf("%s counts %d, want %d", describeQuery(q), n, want)
		}
	})
}
