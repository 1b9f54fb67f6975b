package multiwrite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"larder/internal/backend/boltstore"
	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/strategy/multiwrite"
	"larder/internal/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for what has to come sooner or later.
const patience = 20 * time.Second

// away is a store that can be cut off.
type away struct {
	store.Forward
	down atomic.Bool
}

func unavailable() error { return &store.Error{Code: store.Unavailable} }

func (a *away) Install(ctx context.Context, entries []store.Entry) error {
	if a.down.Load() {
		return unavailable()
	}
	return a.Store.Install(ctx, entries)
}

func (a *away) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if a.down.Load() {
		return store.Read{}, unavailable()
	}
	return a.Store.Get(ctx, refs)
}

func (a *away) Scan(ctx context.Context, q store.Scan) (store.Page, error) {
	if a.down.Load() {
		return store.Page{}, unavailable()
	}
	return a.Store.Scan(ctx, q)
}

func (a *away) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if a.down.Load() {
		return nil, unavailable()
	}
	return a.Store.Apply(ctx, b)
}

// stack is the strategy with its members, which end with it.
type stack struct {
	*multiwrite.Store
	primary, secondary store.Store
}

func (s *stack) Close() error {
	return errors.Join(s.Store.Close(), s.secondary.Close(), s.primary.Close())
}

func stackOf(t testing.TB, primary, secondary store.Store) *stack {
	t.Helper()
	s, err := multiwrite.New(multiwrite.Options{
		Name: "multi-write(a,b)", Primary: primary,
		Secondaries: []multiwrite.Secondary{{Name: "b", Store: secondary, Replica: replica.Follow(replica.Options{
			From: primary, FromName: "a", To: secondary, Every: 2 * time.Millisecond, Pause: time.Millisecond, MaxPause: 10 * time.Millisecond,
		})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &stack{s, primary, secondary}
}

func newModel() *storetest.Model { return storetest.NewModel(storetest.ModelOptions{}) }

func openBolt(t testing.TB) store.Store {
	t.Helper()
	s, err := boltstore.Open(boltstore.Options{Path: filepath.Join(t.TempDir(), "larder.db")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func overModels() storetest.Harness {
	return storetest.Harness{
		Open:    func(t testing.TB) store.Store { return stackOf(t, newModel(), newModel()) },
		Without: []storetest.Topic{storetest.IndexPlans}, // the model uses none of its indexes
	}
}

func TestStore(t *testing.T) { storetest.Run(t, overModels()) }

func TestStoreOverFiles(t *testing.T) {
	storetest.Run(t, storetest.Harness{Open: func(t testing.TB) store.Store { return stackOf(t, openBolt(t), openBolt(t)) }})
}

func TestRandomOperations(t *testing.T) {
	storetest.Differential(t, overModels(), storetest.Random{Steps: 1_000})
}

func TestLinearizable(t *testing.T) {
	storetest.Linearizable(t, overModels(), storetest.Random{})
}

// fixture is the strategy over stores that can be cut off.
type fixture struct {
	*stack
	*testing.T
	first, second *away
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, first: &away{Forward: store.Forward{Store: newModel()}}, second: &away{Forward: store.Forward{Store: newModel()}}}
	f.stack = stackOf(t, f.first, f.second)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func ref(key string) store.Ref { return store.Ref{Table: "t", Key: key} }

func (f *fixture) write(ops ...store.Op) []store.Result {
	f.Helper()
	results, err := f.stack.Apply(f.Context(), store.Batch{Ops: ops})
	if err != nil {
		f.Fatal(err)
	}
	return results
}

func put(key string, n int) store.Op {
	return store.Op{Kind: store.Put, Ref: ref(key), Value: value.Value{Data: fmt.Appendf(nil, "%d", n)}}
}

func remove(key string) store.Op { return store.Op{Kind: store.Delete, Ref: ref(key)} }

func (f *fixture) eventually(what string, isSo func() bool) {
	f.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); !isSo(); {
		select {
		case <-timeout:
			f.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// dump is all that a store has in the table, deletions too.
func (f *fixture) dump(s store.Store) []string {
	f.Helper()
	feed, err := s.Changes(f.Context(), store.Changes{Table: "t"})
	if err != nil || feed.More {
		f.Fatal(err)
	}
	var lines []string
	for _, c := range feed.Changes {
		lines = append(lines, fmt.Sprintf("%s %d %v %s %v", c.Key, c.Version, c.Deleted, c.Value.Data, c.UpdatedAt))
	}
	slices.Sort(lines)
	return lines
}

func (f *fixture) same() {
	f.Helper()
	f.eventually("both to have the same", func() bool { return slices.Equal(f.dump(f.first.Store), f.dump(f.second.Store)) })
}

// Whoever writes is told whether all have it, and all come to have it.
func TestWritesReachTheSecondary(t *testing.T) {
	t.Parallel()
	f := open(t)
	if got := f.write(put("a", 1), put("b", 1)); got[0].Replication != store.ReplicationComplete || got[1].Replication != store.ReplicationComplete {
		t.Errorf("told was %+v", got)
	}
	if read, err := f.second.Get(t.Context(), []store.Ref{ref("a")}); err != nil || read.Entries[0].Version != 1 {
		t.Errorf("the secondary has %+v, %v", read.Entries, err)
	}
	if got := f.write(store.Op{Kind: store.Get, Ref: ref("a")}); got[0].Replication != store.NotReplicated {
		t.Errorf("of a read was told %v", got[0].Replication)
	}
	f.second.down.Store(true)
	if got := f.write(put("a", 2)); got[0].Replication != store.ReplicationPending {
		t.Errorf("while it is away %v is told", got[0].Replication)
	}
	f.write(remove("b"))
	f.write(put("b", 3))
	f.write(put("c", 1))
	f.write(remove("c"))
	f.second.down.Store(false)
	f.same()
	if got := f.write(remove("a")); got[0].Replication != store.ReplicationPending {
		t.Errorf("of a deletion %v is told", got[0].Replication)
	}
	f.same()
}

// However a secondary comes and goes under writes of many, no deleted entry comes back and
// nothing old stays.
func TestConvergesUnderLoad(t *testing.T) {
	t.Parallel()
	f := open(t)
	done := make(chan struct{})
	for c := range 4 {
		go func() {
			for n := range 300 {
				key := fmt.Sprint("k", (n*7+c)%20)
				if n%3 == 0 {
					f.write(remove(key))
				} else {
					f.write(put(key, n))
				}
			}
			done <- struct{}{}
		}()
	}
	for ended := 0; ended < 4; {
		select {
		case <-done:
			ended++
		case <-time.After(time.Millisecond):
			f.second.down.Store(!f.second.down.Load())
		}
	}
	f.second.down.Store(false)
	f.same()
}

// Where the primary can't serve, a secondary answers who takes that.
func TestReadsFromASecondary(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.write(put("a", 1))[0].Entry
	f.eventually("the secondary to have caught up", func() bool {
		told := f.Told()
		return told[len(told)-1].Name == "secondaries_filling" && told[len(told)-1].Value == 0
	})
	f.first.down.Store(true)
	read := func(fresh store.Freshness) (store.Read, error) {
		return f.stack.Get(store.WithFreshness(t.Context(), fresh), []store.Ref{ref("a")})
	}
	if _, err := read(store.Freshness{}); !errors.Is(err, store.Unavailable) {
		t.Errorf("who takes the newest only got %v", err)
	}
	f.eventually("a secondary to answer", func() bool {
		got, err := read(store.Freshness{IfError: time.Minute})
		return err == nil && got.Entries[0].Equal(e) && got.Source.Copy == "b" && got.Source.Age > 0
	})
	if _, err := read(store.Freshness{IfError: time.Minute, MinVersion: 2}); !errors.Is(err, store.Unavailable) {
		t.Errorf("who knows a newer version got %v", err)
	}
	page, err := f.stack.Scan(store.WithFreshness(t.Context(), store.Freshness{IfError: time.Minute}), store.Scan{Table: "t"})
	if err != nil || len(page.Entries) != 1 || page.Source.Copy != "b" {
		t.Errorf("a list gave %+v, %v", page, err)
	}
	if _, err := f.stack.Apply(t.Context(), store.Batch{Ops: []store.Op{put("a", 2)}}); !errors.Is(err, store.Unavailable) {
		t.Errorf("a write gave %v", err)
	}
}
