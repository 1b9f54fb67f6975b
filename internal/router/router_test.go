package router_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// owner is a router that closes its members with it, as the suite expects.
type owner struct {
	*router.Router
	members []store.Store
}

func (o *owner) Close() error {
	err := o.Router.Close()
	for _, m := range o.members {
		err = errors.Join(err, m.Close())
	}
	return err
}

// lent is a strategy of one member that leaves it open.
type lent struct {
	store.Forward
	closed    atomic.Bool
	committed atomic.Int64
}

func lend(s store.Store) *lent { return &lent{Forward: store.Forward{Store: s}} }

func (l *lent) Close() error {
	l.closed.Store(true)
	return nil
}

func (l *lent) Committed(results []store.Result) { l.committed.Add(int64(len(results))) }

func model(name string) *storetest.Model {
	return storetest.NewModel(storetest.ModelOptions{Name: name})
}

func lane(pattern string, strategy, primary store.Store) router.Lane {
	return router.Lane{
		Route: router.Route{Pattern: pattern, Strategy: router.PrimaryOnly, Members: []string{primary.Info().Name}},
		Store: strategy, Primary: primary,
	}
}

func newRouter(t testing.TB, system store.Store, lanes ...router.Lane) *router.Router {
	t.Helper()
	r, err := router.New(router.Options{Info: system.Info(), System: system, Lanes: lanes})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// oneMember has several strategies over one primary.
func oneMember(t testing.TB) store.Store {
	t.Helper()
	m := model("model")
	return &owner{newRouter(t, m, lane("*", lend(m), m), lane("things", lend(m), m), lane("oth*", lend(m), m)), []store.Store{m}}
}

func TestOneMember(t *testing.T) {
	storetest.Run(t, storetest.Harness{Open: oneMember, Without: []storetest.Topic{storetest.IndexPlans}})
	storetest.Differential(t, storetest.Harness{Open: oneMember}, storetest.Random{Steps: 500})
}

// TestSeveralMembers has the tables that the suite uses in different members.
func TestSeveralMembers(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(t testing.TB) store.Store {
			t.Helper()
			a, b, c := model("a"), model("b"), model("c")
			return &owner{newRouter(t, a, lane("*", lend(b), b), lane("things", lend(c), c)), []store.Store{a, b, c}}
		},
		Without: []storetest.Topic{storetest.IndexPlans, storetest.WholeFeed, storetest.Together},
	})
}

func put(table, key string) store.Op {
	return store.Op{Kind: store.Put, Ref: store.Ref{Table: table, Key: key}, Value: value.Value{Data: []byte(`1`)}}
}

func TestMostSpecificPatternWins(t *testing.T) {
	t.Parallel()
	s := model("s")
	defer func() { _ = s.Close() }()
	r := newRouter(t, s, lane("a*", lend(s), s), lane("*", lend(s), s), lane("abc", lend(s), s), lane("ab*", lend(s), s))
	defer func() { _ = r.Close() }()
	for table, want := range map[string]string{
		"abc": "abc", "abcd": "ab*", "ab": "ab*", "a": "a*", "axe": "a*", "b": "*", "_tables": "_*", "_a": "_*",
	} {
		if got := r.RouteOf(table).Pattern; got != want {
			t.Errorf("%q goes by %q, want %q", table, got, want)
		}
	}
}

func TestBatchOverStrategies(t *testing.T) {
	t.Parallel()
	a, b := model("a"), model("b")
	first, second, other := lend(a), lend(a), lend(b)
	r := newRouter(t, a, lane("*", first, a), lane("users", second, a), lane("far", other, b))
	defer func() { _ = errors.Join(r.Close(), a.Close(), b.Close()) }()

	results, err := r.Apply(t.Context(), store.Batch{Ops: []store.Op{put("x", "1"), put("users", "1"), put("_system", "1"), put("x", "2")}})
	if err != nil || len(results) != 4 || results[1].Entry.Table != "users" {
		t.Fatalf("a batch over strategies of one primary gave %v, %v", results, err)
	}
	if first.committed.Load() != 2 || second.committed.Load() != 1 {
		t.Errorf("the strategies were told of %d and %d results", first.committed.Load(), second.committed.Load())
	}
	if _, err = r.Apply(t.Context(), store.Batch{Ops: []store.Op{put("x", "3"), put("users", "1")}, DryRun: true}); err != nil || first.committed.Load() != 2 {
		t.Errorf("a dry run gave %v, and the strategies were told of %d results", err, first.committed.Load())
	}
	_, err = r.Apply(t.Context(), store.Batch{Ops: []store.Op{put("x", "4"), put("far", "1"), put("users", "4")}})
	if e := store.AsError(err); store.CodeOf(err) != store.CrossSlot || len(e.Failures) != 1 || e.Failures[0].Index != 1 {
		t.Errorf("a batch over two primaries gave %+v", e)
	}
	read, err := r.Get(t.Context(), []store.Ref{{Table: "x", Key: "4"}, {Table: "users", Key: "1"}, {Table: "far", Key: "1"}})
	if err != nil || read.Entries[0].Exists() || !read.Entries[1].Exists() || read.Entries[2].Exists() || read.Horizon != 0 {
		t.Errorf("afterwards there is %+v, %v", read, err)
	}
}

// Routes change while calls run, and none fails for it.
func TestSwapWhileCallsRun(t *testing.T) {
	t.Parallel()
	a := model("a")
	r := newRouter(t, a, lane("*", lend(a), a))
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var calls atomic.Int64
	for n := range 4 {
		clients.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if _, err := r.Apply(t.Context(), store.Batch{Ops: []store.Op{put("t", string(rune('a'+n)))}}); err != nil {
					t.Errorf("a call failed: %v", err)
					return
				}
				calls.Add(1)
			}
		})
	}
	kept := lend(a)
	var old []*lent
	for n := 0; n < 200 || calls.Load() < 1000 && !t.Failed(); n++ {
		next := lend(a)
		r.Swap([]router.Lane{lane("*", next, a), lane("kept", kept, a)})
		old = append(old, next)
	}
	stop()
	clients.Wait()
	if kept.closed.Load() {
		t.Error("a strategy that is still in use was closed")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if i := slices.IndexFunc(old, func(l *lent) bool { return !l.closed.Load() }); i >= 0 || !kept.closed.Load() {
		t.Errorf("a strategy was left open: %d", i)
	}
	if _, err := r.Get(t.Context(), []store.Ref{{Table: "t", Key: "a"}}); store.CodeOf(err) != store.Unavailable {
		t.Errorf("after Close a call gave %v", err)
	}
	_ = a.Close()
}

func BenchmarkGet(b *testing.B) {
	m := model("m")
	defer func() { _ = m.Close() }()
	r := newRouter(b, m, lane("*", instant{lend(m)}, m), lane("users", instant{lend(m)}, m), lane("audit_*", instant{lend(m)}, m))
	defer func() { _ = r.Close() }()
	refs := []store.Ref{{Table: "others", Key: "k"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Get(b.Context(), refs); err != nil {
			b.Fatal(err)
		}
	}
}

// instant answers reads with nothing.
type instant struct{ *lent }

func (instant) Get(context.Context, []store.Ref) (store.Read, error) { return store.Read{}, nil }
