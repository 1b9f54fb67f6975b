package cacheaside_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/strategy/cacheaside"
)

// What a process has written it reads at once, mostly from its memory.
func TestOwnWritesAreSeen(t *testing.T) {
	t.Parallel()
	f := open(t)
	var clients sync.WaitGroup
	for c := range 4 {
		clients.Go(func() {
			for n := range 5000 {
				key := fmt.Sprint("k", c, n%7)
				e := f.put(key, n)
				got, source := f.get(key, recent)
				if got.Version != e.Version || string(got.Value.Data) != string(e.Value.Data) {
					t.Errorf("after version %d of %q was written, %q answered with %d", e.Version, key, source.Copy, got.Version)
					return
				}
			}
		})
	}
	clients.Wait()
	if f.Figures().MemoryHits < 10_000 {
		t.Errorf("of 20000 reads the memory has answered %d", f.Figures().MemoryHits)
	}
}

// What another process has written is seen once the ledger has read of it, and nobody
// reads back behind what he has read.
func TestOthersWritesAreSeen(t *testing.T) {
	t.Parallel()
	primary, cache := newModel(), newModel()
	f := openOver(t, primary, cache)
	other := openOver(t, primary.Beside(), cache.Beside())
	for n := range 50 {
		e := other.put("k", n)
		seen := int64(0)
		f.eventually("another's write to be seen", func() bool {
			got, source := f.get("k", recent)
			if got.Version < seen {
				t.Fatalf("after version %d %q answered with %d", seen, source.Copy, got.Version)
			}
			seen = got.Version
			return seen == e.Version
		})
		if got, _ := f.get("k", store.Freshness{Recent: true, MinVersion: e.Version}); got.Version < e.Version {
			t.Fatalf("version %d was asked for, at least, and %d is the answer", e.Version, got.Version)
		}
	}
	if f.Figures().MemoryHits == 0 {
		t.Error("the memory has answered nothing")
	}
}

// Who brings a version that he has seen elsewhere gets none that is older.
func TestMinVersionAcrossProcesses(t *testing.T) {
	t.Parallel()
	primary, cache := newModel(), newModel()
	f := openOver(t, primary, cache)
	other := openOver(t, primary.Beside(), cache.Beside())
	for n := range 500 {
		e := other.put("k", n)
		if got, source := f.get("k", store.Freshness{Recent: true, MinVersion: e.Version}); got.Version < e.Version {
			t.Fatalf("version %d was asked for, and %q answered with %d", e.Version, source.Copy, got.Version)
		}
	}
}

// A process that can't read the feed serves no copy that it can't show to be fresh.
func TestWithoutTheFeedNoCopyIsServed(t *testing.T) {
	t.Parallel()
	const bound = 50 * time.Millisecond
	f := open(t, func(o *cacheaside.Options, _ *cacheaside.LedgerOptions) { o.Staleness = bound })
	f.put("k", 1)
	if _, source := f.get("k", recent); source.Copy != "memory" {
		t.Fatalf("%+v answered", source)
	}
	f.primary.deaf.Store(true)
	f.eventually("copies to be served no more", func() bool {
		_, source := f.get("k", recent)
		if source.Copy != "" && source.Age > bound {
			t.Fatalf("a copy of %v was served", source.Age)
		}
		return source.Copy == "" && source.Why == store.Stale
	})
	if _, source := f.get("k", store.Freshness{MaxAge: time.Hour}); source.Copy != "memory" || source.Age < bound {
		t.Errorf("who takes an old copy was answered by %+v", source)
	}
	f.primary.deaf.Store(false)
	f.eventually("copies to be served again", func() bool {
		_, source := f.get("k", recent)
		return source.Copy == "memory"
	})
}

// The primary goes back to where it was, as after a restore: versions of before say
// nothing then, however high. It is seen in its feed or, where that has come as far again
// meanwhile, by the primary's having been started again.
func TestPrimaryThatWentBack(t *testing.T) {
	t.Parallel()
	for name, goBack := range map[string]func(f *fixture){
		"the feed": func(f *fixture) {
			f.primary.back.Store(true)
			f.eventually("the feed to go back", func() bool { return !f.primary.back.Load() })
		},
		"the server": func(f *fixture) { f.primary.life.Add(1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primaryWentBack(t, goBack)
		})
	}
}

func primaryWentBack(t *testing.T, goBack func(f *fixture)) {
	t.Helper()
	f := open(t)
	f.put("k", 1)
	f.eventually("a copy in the cache", func() bool {
		_, sight, err := f.cache.Forward.Look(t.Context(), "a", refOf("k"), 0)
		return err == nil && sight == store.Held
	})
	// The copies know of a version that is lost.
	lost := store.Entry{Ref: refOf("k"), Version: 99, Value: putOf("k", 99).Value, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	held, _, _ := f.cache.Forward.Look(t.Context(), "a", refOf("k"), 0)
	if err := f.cache.Forward.Keep(t.Context(), "a", []store.Copy{{Entry: lost, Horizon: held.Horizon + 1000, Epoch: held.Epoch}}); err != nil {
		t.Fatal(err)
	}
	goBack(f)
	epoch := held.Epoch
	f.eventually("another epoch", func() bool {
		f.get("k", recent)
		f.put("other", 1)
		c, sight, err := f.cache.Forward.Look(t.Context(), "a", refOf("other"), 0)
		return err == nil && sight == store.Held && c.Epoch != epoch
	})
	f.eventually("copies of the new epoch", func() bool {
		got, source := f.get("k", recent)
		if got.Version != 1 {
			t.Fatalf("%q answered with version %d", source.Copy, got.Version)
		}
		return source.Copy == "memory"
	})
}

func TestAbsenceHasCopies(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.get("never", recent)
	if e, source := f.get("never", recent); e.Exists() || source.Copy != "memory" {
		t.Errorf("what never was is %+v by %q", e, source.Copy)
	}
	f.put("never", 1)
	if e, _ := f.get("never", recent); e.Version != 1 {
		t.Errorf("once it is there it is %+v", e)
	}
	if _, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{{Kind: store.Delete, Ref: refOf("never")}}}); err != nil {
		t.Fatal(err)
	}
	if e, source := f.get("never", recent); e.Exists() || e.Version != 2 || source.Copy != "memory" {
		t.Errorf("once it is deleted it is %+v by %q", e, source.Copy)
	}
}

// An entry's life ends by the primary's clock, for its copies too.
func TestExpiredIsNotServed(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	f := openOver(t, storetest.NewModel(storetest.ModelOptions{Clock: clock.Now}), newModel())
	op := putOf("k", 1)
	op.Expiry = store.ExpiresIn(time.Hour)
	if _, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
		t.Fatal(err)
	}
	f.eventually("a copy", func() bool { _, source := f.get("k", recent); return source.Copy == "memory" })
	clock.Advance(2 * time.Hour)
	f.eventually("the end of it", func() bool { e, _ := f.get("k", recent); return !e.Exists() })
	if e, source := f.get("k", store.Freshness{MaxAge: time.Hour}); e.Exists() {
		t.Errorf("%q answered with what has expired", source.Copy)
	}
}

func TestOnlyCopies(t *testing.T) {
	t.Parallel()
	f := open(t)
	only := store.Freshness{Recent: true, OnlyCopy: true}
	if _, _, err := f.try("k", only); !errors.Is(err, store.NotCached) {
		t.Errorf("where there is no copy: %v", err)
	}
	f.put("k", 1)
	if _, source := f.get("k", only); source.Copy != "memory" {
		t.Errorf("where there is one %+v answered", source)
	}
	before := f.primary.reads.Load()
	if _, _, err := f.try("k", store.Freshness{Recent: true, OnlyCopy: true, MinVersion: 2}); !errors.Is(err, store.NotCached) || f.primary.reads.Load() != before {
		t.Errorf("where it is too old: %v, after %d reads of the primary", err, f.primary.reads.Load()-before)
	}
}

// Many who miss the same entry at once load it once.
func TestOneLoadAtATime(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put("k", 1)
	if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Flush}); err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	f.primary.hold.Store(&hold)
	before := f.primary.reads.Load()
	var readers sync.WaitGroup
	var begun atomic.Int64
	for range 50 {
		readers.Go(func() {
			begun.Add(1)
			if e, _, err := f.try("k", recent); err != nil || e.Version != 1 {
				t.Errorf("got %+v, %v", e, err)
			}
		})
	}
	f.eventually("the readers to wait", func() bool { return begun.Load() == 50 && f.primary.reads.Load() > before })
	// One whose time is up does not wait on.
	short, cancel := context.WithTimeout(store.WithFreshness(t.Context(), recent), 10*time.Millisecond)
	defer cancel()
	if _, err := f.Get(short, []store.Ref{refOf("k")}); err == nil {
		t.Error("one whose time is up got an answer")
	}
	close(hold)
	f.primary.hold.Store(nil)
	readers.Wait()
	if reads := f.primary.reads.Load() - before; reads > 3 {
		t.Errorf("fifty readers at once read the primary %d times", reads)
	}
}

// While one process fills a gap, another waits for it.
func TestLeaseOverProcesses(t *testing.T) {
	t.Parallel()
	primary, cache := newModel(), newModel()
	long := func(o *cacheaside.Options, _ *cacheaside.LedgerOptions) { o.Lease = 5 * time.Second }
	f, other := openOver(t, primary, cache, long), openOver(t, primary.Beside(), cache.Beside(), long)
	f.put("k", 1)
	if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Flush}); err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	f.primary.hold.Store(&hold)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.get("k", recent)
	}()
	f.eventually("the lease to be taken", func() bool { return f.primary.reads.Load() > 0 })
	before := other.primary.reads.Load()
	close(hold)
	if e, source := other.get("k", recent); e.Version != 1 || source.Copy != "b" {
		t.Errorf("the other got version %d by %+v", e.Version, source)
	}
	<-done
	if reads := other.primary.reads.Load() - before; reads != 0 {
		t.Errorf("the other read the primary %d times itself", reads)
	}
}

func TestFlushDropsAllCopies(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put("k", 1)
	if !f.Maintains(store.Flush) {
		t.Fatal("it does not know how to")
	}
	if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Flush}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.try("k", store.Freshness{Recent: true, OnlyCopy: true}); !errors.Is(err, store.NotCached) {
		t.Errorf("afterwards there is a copy, or %v", err)
	}
}

// The ledger forgets floors, and with them all copies that they were for.
func TestFloorsAreForgotten(t *testing.T) {
	t.Parallel()
	f := open(t, func(_ *cacheaside.Options, lo *cacheaside.LedgerOptions) { lo.Floors = 640 })
	f.put("k", 1)
	for n := range 20_000 {
		f.put(fmt.Sprint("other", n%5000), n)
		if n%1000 == 0 {
			if e, _ := f.get("k", recent); e.Version != 1 {
				t.Fatalf("got version %d", e.Version)
			}
		}
	}
	f.eventually("an old copy to be passed over, and read anew", func() bool {
		f.put(fmt.Sprint("more", time.Now().UnixNano()%1000), 1)
		_, source := f.get("k", recent)
		return source.Why == store.Stale
	})
	f.eventually("a new copy", func() bool { _, source := f.get("k", recent); return source.Copy == "memory" })
}

// What a batch by another way has written is known, and no older copy is served.
func TestCommittedByAnotherWay(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.put("k", 1)
	results, err := f.primary.Apply(t.Context(), store.Batch{Ops: []store.Op{putOf("k", 2)}})
	if err != nil {
		t.Fatal(err)
	}
	f.Committed(results)
	if e, source := f.get("k", recent); e.Version != 2 {
		t.Errorf("%+v answered with version %d", source, e.Version)
	}
}

// What is read once is not put in the cache where that has had nothing for long; what is
// read again is.
func TestCacheGetsWhatIsReadAgain(t *testing.T) {
	t.Parallel()
	f := open(t)
	for n := range 3000 { // none of which the cache ever has
		f.get(fmt.Sprint("once", n), recent)
	}
	looks, filled := f.cache.looks.Load(), f.Figures().Filled
	for n := range 320 {
		f.get(fmt.Sprint("cold", n), recent)
	}
	if asked := f.cache.looks.Load() - looks; asked < 10 || asked > 40 {
		t.Errorf("of 320 reads the cache was asked by %d", asked)
	}
	if more := f.Figures().Filled - filled; more > 200 {
		t.Errorf("of 320 that were read once it was given %d", more)
	}
	for range 2 {
		f.get("again", recent)
	}
	f.eventually("the cache to have what was read again", func() bool {
		_, sight, err := f.cache.Forward.Look(t.Context(), "a", refOf("again"), 0)
		return err == nil && sight == store.Held
	})
}
