package redisstore

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
	"larder/internal/value"
)

func emails() store.Index {
	return store.Index{Name: "email", Fields: []store.IndexField{stringField("email")}, Unique: true}
}

func ages() store.Index {
	return store.Index{Name: "age", Fields: []store.IndexField{numberField("age")}}
}

func (f *fixture) people(count int) {
	f.t.Helper()
	f.fill(count, func(i int) string { return fmt.Sprintf(`{"id":%d,"age":%d,"email":"user%d"}`, i, i*7%100, i) })
}

// settled waits until the store has looked for indexes that others have left unbuilt,
// and does so no more in this test.
func (f *fixture) settled() *fixture {
	f.t.Helper()
	poll(f.t, "the store to have looked after indexes", func() bool { return f.tallies.repairs.Load() > 0 })
	return f
}

// begin leaves an index of table t as a store does that ends before it is built.
func (f *fixture) begin(def store.Index) *index {
	f.t.Helper()
	f.settled()
	l, err := f.enter(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	c, err := f.readCatalog(f.t.Context(), l, l.home(), "t")
	if err != nil {
		f.t.Fatal(err)
	}
	x, err := f.redefine(f.t.Context(), l, l.home(), "t", c, c.named(def.Name), &index{Index: sortedindex.Index{Table: "t", Def: def}})
	if err != nil {
		f.t.Fatal(err)
	}
	return x
}

// holdLease keeps all from building an index, until it is released.
func (f *fixture) holdLease(x *index) (release func()) {
	f.t.Helper()
	l := f.link.Load()
	name := l.home().building("t", x.id)
	if err := l.client.Do(f.t.Context(), l.client.B().Set().Key(name).Value("held").Build()).Error(); err != nil {
		f.t.Fatal(err)
	}
	return func() {
		if err := l.client.Do(context.WithoutCancel(f.t.Context()), l.client.B().Del().Key(name).Build()).Error(); err != nil {
			f.t.Error(err)
		}
	}
}

// waiting begins to wait for an index, and gives what comes of it.
func (f *fixture) waiting(ctx context.Context, def store.Index) chan error {
	f.t.Helper()
	waited := make(chan error, 1)
	go func() {
		_, err := f.PutIndex(ctx, "t", def)
		waited <- err
	}()
	return waited
}

// awaitBuilding waits until a store has begun to build, or to wait for its turn.
func (f *fixture) awaitBuilding() {
	f.t.Helper()
	poll(f.t, "an index being built", func() bool {
		f.builds.mu.Lock()
		defer f.builds.mu.Unlock()
		return len(f.builds.bySet) > 0
	})
}

// TestAnIndexLeftHalfBuilt is what a crash while an index is built leaves: a definition
// that is not ready, which all keep up and no query goes by.
func TestAnIndexLeftHalfBuilt(t *testing.T) {
	s := open(t)
	s.people(100)
	x := s.begin(ages())
	s.apply(put("new", `{"age":7}`), put("k00001", `{"age":3}`))
	if defs := s.defs(); len(defs) != 1 || defs[0].Ready || defs[0].Entries != 2 {
		t.Errorf("got %+v", defs)
	}
	q := store.Query{Filter: is("/age", value.OpEq, "7")}
	if found := s.search(q); len(found.Entries) != 1 || found.Plan.Mode != store.ByScan {
		t.Errorf("half built: %q by %+v", keysOf(found.Entries), found.Plan)
	}
	s.beside()
	poll(t, "the index", func() bool { return s.defs()[0].Ready })
	if found := s.search(q); len(found.Entries) != 1 || found.Plan.Index != x.Def.Name {
		t.Errorf("built: %q by %+v", keysOf(found.Entries), found.Plan)
	}
	sound(t, s.Store)
}

// TestAnIndexIsFinishedNowAndThen has a store that is there already see to it.
func TestAnIndexIsFinishedNowAndThen(t *testing.T) {
	s := open(t, func(o *Options) { o.Retention.Interval = time.Millisecond })
	s.people(10)
	s.begin(ages())
	poll(t, "the index", func() bool { return s.defs()[0].Ready })
	s.apply(put("k00001", `{"email":"user2"}`))
	s.begin(emails())
	poll(t, "the index that can't be to go", func() bool { return len(s.defs()) == 1 })
	sound(t, s.Store)
}

// TestStoresThatIndexTogether has several build at once, the same indexes and others.
func TestStoresThatIndexTogether(t *testing.T) {
	s := open(t, func(o *Options) { o.ScriptEntries = 20 })
	s.people(500)
	var all sync.WaitGroup
	for i := range 3 {
		other := s.beside().settled()
		for _, def := range []store.Index{ages(), emails(), {Name: fmt.Sprintf("own-%d", i), Fields: []store.IndexField{numberField("id")}}} {
			all.Go(func() {
				if _, err := other.PutIndex(t.Context(), "t", def); err != nil {
					t.Errorf("PutIndex(%s): %v", def.Name, err)
				}
			})
		}
	}
	all.Wait()
	if defs := s.defs(); len(defs) != 5 {
		t.Errorf("got %+v", defs)
	}
	for _, x := range s.defs() {
		if !x.Ready || x.Entries != 500 {
			t.Errorf("%s has %d entries, ready %t", x.Name, x.Entries, x.Ready)
		}
	}
	sound(t, s.Store)
}

// TestAllWhoWaitAreToldOfAViolation has one store find out what two wait for.
func TestAllWhoWaitAreToldOfAViolation(t *testing.T) {
	s := open(t)
	s.people(10)
	s.apply(put("k00001", `{"email":"user2"}`))
	other := s.beside().settled()
	release := s.holdLease(s.begin(emails()))
	first, second := s.waiting(t.Context(), emails()), other.waiting(t.Context(), emails())
	s.awaitBuilding()
	other.awaitBuilding()
	release()
	for _, waited := range []chan error{first, second} {
		err := <-waited
		fails(t, "waiting", err, store.UniqueViolation)
		if e := store.AsError(err); e.Ref != ref("k00002") || e.Pointer != "/email" {
			t.Errorf("it is said to be %+v", e)
		}
	}
	if defs := s.defs(); len(defs) > 0 {
		t.Errorf("left is %+v", defs)
	}
	sound(t, s.Store)
}

func TestWaitingForAnIndexEndsWithItsCaller(t *testing.T) {
	s := open(t)
	s.people(100)
	release := s.holdLease(s.begin(ages()))
	ctx, cancel := context.WithCancel(t.Context())
	waited := s.waiting(ctx, ages())
	s.awaitBuilding()
	s.apply(put("new", `{"age":7}`)) // others write meanwhile
	cancel()
	fails(t, "waiting", <-waited, store.Canceled)
	release()
	if made, err := s.PutIndex(t.Context(), "t", ages()); made || err != nil {
		t.Errorf("made %t, %v; want to have waited for what was under way", made, err)
	}
	if defs := s.defs(); len(defs) != 1 || !defs[0].Ready || defs[0].Entries != 101 {
		t.Errorf("got %+v", defs)
	}
}

func TestAnIndexDroppedWhileItIsBuilt(t *testing.T) {
	s := open(t)
	s.people(100)
	other := s.beside().settled()
	release := s.holdLease(s.begin(ages()))
	waited := s.waiting(t.Context(), ages())
	s.awaitBuilding()
	if err := other.DropIndex(t.Context(), "t", "age"); err != nil {
		t.Error(err)
	}
	fails(t, "building", <-waited, store.NotFound)
	release()
	sound(t, s.Store)
}

// TestClosingEndsBuilding leaves what the next one to open finishes.
func TestClosingEndsBuilding(t *testing.T) {
	s := open(t)
	s.people(100)
	other := s.beside().settled()
	release := other.holdLease(s.begin(ages()))
	waited := s.waiting(t.Context(), ages())
	s.awaitBuilding()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	fails(t, "building", <-waited, store.Unavailable)
	release()
	if other.defs()[0].Ready {
		t.Error("it is ready")
	}
	again := s.beside()
	poll(t, "the index", func() bool { return again.defs()[0].Ready })
	sound(t, again.Store)
}

// TestALeaseEndsWithItsStore has one who builds be gone without a word.
func TestALeaseEndsWithItsStore(t *testing.T) {
	s := open(t)
	s.people(100)
	x := s.begin(ages())
	l := s.link.Load()
	gone := &lease{s: s.Store, link: l, name: l.home().building("t", x.id)}
	if taken, err := gone.take(t.Context()); !taken || err != nil {
		t.Fatalf("got %t, %v", taken, err)
	}
	if _, err := s.PutIndex(t.Context(), "t", ages()); err != nil {
		t.Error(err)
	}
	if defs := s.defs(); !defs[0].Ready || defs[0].Entries != 100 {
		t.Errorf("got %+v", defs)
	}
}
