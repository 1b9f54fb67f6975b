package fastestread_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/strategy/fastestread"
	"larder/internal/strategy/multiwrite"
	"larder/internal/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for what has to come sooner or later.
const patience = 20 * time.Second

// slow is a store that takes its time, or fails.
type slow struct {
	store.Forward
	delay atomic.Int64 // of a read, ns
	every atomic.Int64 // only of one in so many reads; 0: of each
	down  atomic.Bool
	cut   atomic.Bool // nothing can be installed
	reads atomic.Int64
}

func (s *slow) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	n := s.reads.Add(1)
	if s.down.Load() {
		return store.Read{}, &store.Error{Code: store.Unavailable}
	}
	if every := s.every.Load(); every == 0 || n%every == 0 {
		select {
		case <-time.After(time.Duration(s.delay.Load())):
		case <-ctx.Done():
			return store.Read{}, ctx.Err()
		}
	}
	return s.Store.Get(ctx, refs)
}

func (s *slow) Install(ctx context.Context, entries []store.Entry) error {
	if s.cut.Load() {
		return &store.Error{Code: store.Unavailable}
	}
	return s.Store.Install(ctx, entries)
}

// stack is the strategy with its members, which end with it.
type stack struct {
	*fastestread.Store
	primary, secondary *slow
}

func (s *stack) Close() error {
	return errors.Join(s.Store.Close(), s.secondary.Close(), s.primary.Close())
}

func newStack(t testing.TB) *stack {
	t.Helper()
	model := func(name string) *slow {
		return &slow{Forward: store.Forward{Store: storetest.NewModel(storetest.ModelOptions{Name: name})}}
	}
	s := &stack{primary: model("a"), secondary: model("b")}
	var err error
	s.Store, err = fastestread.New(fastestread.Options{PrimaryName: "a", Options: multiwrite.Options{
		Name: "fastest-read(a,b)", Primary: s.primary,
		Secondaries: []multiwrite.Secondary{{Name: "b", Store: s.secondary, Replica: replica.Follow(replica.Options{
			From: s.primary, FromName: "a", To: s.secondary, Every: 2 * time.Millisecond, Pause: time.Millisecond, MaxPause: 5 * time.Millisecond,
		})}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func harness() storetest.Harness {
	return storetest.Harness{
		Open:    func(t testing.TB) store.Store { return newStack(t) },
		Without: []storetest.Topic{storetest.IndexPlans}, // the model uses none of its indexes
	}
}

func TestStore(t *testing.T) { storetest.Run(t, harness()) }

func TestRandomOperations(t *testing.T) {
	storetest.Differential(t, harness(), storetest.Random{})
}

func TestLinearizable(t *testing.T) { storetest.Linearizable(t, harness(), storetest.Random{}) }

type fixture struct {
	*stack
	*testing.T
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{newStack(t), t}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	f.put(1)
	f.eventually("the secondary to have caught up", func() bool { return f.told("secondaries_filling") == 0 })
	return f
}

func (f *fixture) told(name string) float64 {
	f.Helper()
	for _, figure := range f.Told() {
		if figure.Name == name {
			return figure.Value
		}
	}
	f.Fatalf("there is no figure %s", name)
	return 0
}

func (f *fixture) put(n int) store.Entry {
	f.Helper()
	op := store.Op{Kind: store.Put, Ref: store.Ref{Table: "t", Key: "k"}, Value: value.Value{Data: fmt.Appendf(nil, "%d", n)}}
	results, err := f.stack.Apply(f.Context(), store.Batch{Ops: []store.Op{op}})
	if err != nil {
		f.Fatal(err)
	}
	return results[0].Entry
}

func (f *fixture) get(fresh store.Freshness) store.Read {
	f.Helper()
	read, err := f.stack.Get(store.WithFreshness(f.Context(), fresh), []store.Ref{{Table: "t", Key: "k"}})
	if err != nil {
		f.Fatal(err)
	}
	return read
}

func (f *fixture) eventually(what string, isSo func() bool) {
	f.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); !isSo(); {
		select {
		case <-timeout:
			f.Fatalf("waited in vain for %s: %+v", what, f.Told())
		case <-tick.C:
		}
	}
}

var recent = store.Freshness{Recent: true}

// The member that answers fastest is asked by most, and another once it has become slow.
func TestTheFastestAnswers(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.primary.delay.Store(int64(5 * time.Millisecond))
	byB := 0
	f.eventually("the secondary to be read", func() bool {
		if f.get(recent).Source.Copy == "b" {
			byB++
		}
		return byB > 50
	})
	if e := f.get(store.Freshness{}).Entries[0]; e.Version != 1 {
		t.Errorf("the newest is %+v", e)
	}
	before := f.secondary.reads.Load()
	for range 50 {
		f.get(recent)
	}
	if asked := f.secondary.reads.Load() - before; asked < 40 {
		t.Errorf("of 50 reads the fast one was asked by %d", asked)
	}
	f.primary.delay.Store(0)
	f.secondary.delay.Store(int64(5 * time.Millisecond))
	inARow := 0
	f.eventually("the primary to be read", func() bool {
		if inARow++; f.get(recent).Source.Copy != "" {
			inARow = 0
		}
		return inARow > 30
	})
}

// Where the member asked is late now and then, another is asked too, for no more than one
// read in twenty.
func TestHedges(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.primary.delay.Store(int64(2 * time.Millisecond)) // so that the other is the first
	f.eventually("the secondary to be read", func() bool { return f.get(recent).Source.Copy == "b" })
	f.secondary.every.Store(40) // which is less than one in twenty: an answer that is late
	f.secondary.delay.Store(int64(200 * time.Millisecond))
	reads, before := 0, f.told("hedges_total")
	f.eventually("seconds that are first", func() bool {
		for range 20 {
			f.get(recent)
			reads++
		}
		return f.told("hedges_won_total") >= 3
	})
	if hedges, most := f.told("hedges_total")-before, float64(reads)/20+10; hedges > most {
		t.Errorf("of %d reads %v had a second, at most %v may", reads, hedges, most)
	}
}

// A secondary that is too far behind, or below what the reader has seen, does not count.
func TestBehind(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.primary.delay.Store(int64(2 * time.Millisecond))
	f.eventually("the secondary to be read", func() bool { return f.get(recent).Source.Copy == "b" })
	f.secondary.cut.Store(true)
	e := f.put(2)
	for range 20 {
		if got := f.get(store.Freshness{Recent: true, MinVersion: e.Version}); got.Entries[0].Version != e.Version {
			t.Fatalf("version %d was asked for, and %q answered with %d", e.Version, got.Source.Copy, got.Entries[0].Version)
		}
	}
	bound := store.Freshness{MaxAge: 20 * time.Millisecond}
	f.eventually("the secondary to be too far behind", func() bool { return f.get(bound).Source.Copy == "" })
	for range 50 {
		if got := f.get(bound); got.Entries[0].Version != e.Version {
			t.Fatalf("%q answered with version %d, %v old", got.Source.Copy, got.Entries[0].Version, got.Source.Age)
		}
	}
}

// A member that fails is passed over, whichever it is.
func TestFailing(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, one := range []*slow{f.secondary, f.primary} {
		one.down.Store(true)
		for range 50 {
			f.get(recent)
		}
		one.down.Store(false)
	}
	f.primary.down.Store(true)
	f.secondary.down.Store(true)
	if _, err := f.stack.Get(store.WithFreshness(t.Context(), recent), []store.Ref{{Table: "t", Key: "k"}}); !errors.Is(err, store.Unavailable) {
		t.Errorf("with both down a read gave %v", err)
	}
}

// TestFallbacks: a read counts that another member has answered, since the one that was to
// answer failed; one does not that all have failed.
func TestFallbacks(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.primary.delay.Store(int64(2 * time.Millisecond)) // so that the other is the first
	f.eventually("the secondary to be read", func() bool { return f.get(recent).Source.Copy == "b" })
	if n := f.told("fallbacks_total"); n != 0 {
		t.Fatalf("%v were counted while nothing failed", n)
	}
	f.secondary.down.Store(true)
	reads := 0
	f.eventually("one that the primary answers in the secondary's place", func() bool {
		reads++
		if from := f.get(recent).Source.Copy; from != "" {
			t.Errorf("%s answers, which is down", from)
		}
		return f.told("fallbacks_total") > 0
	})
	counted := f.told("fallbacks_total")
	if counted > float64(reads) {
		t.Errorf("%v were counted of %d reads", counted, reads)
	}
	f.primary.down.Store(true)
	for range 10 {
		if _, err := f.stack.Get(store.WithFreshness(t.Context(), recent), []store.Ref{{Table: "t", Key: "k"}}); !errors.Is(err, store.Unavailable) {
			t.Errorf("with both down a read gave %v", err)
		}
	}
	if n := f.told("fallbacks_total"); n != counted {
		t.Errorf("%v were counted, and %v of them while nothing could be read", n, n-counted)
	}
}
