package pgstore

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
)

// handClock is a clock that a test moves, for stores beside each other too.
type handClock struct{ micros atomic.Int64 }

func newHandClock() *handClock {
	c := &handClock{}
	c.micros.Store(time.Now().UnixMicro())
	return c
}

func (c *handClock) now() time.Time { return time.UnixMicro(c.micros.Load()) }

func (c *handClock) advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// openAt opens a store whose clock a test moves.
func openAt(t testing.TB) (*fixture, *handClock) {
	t.Helper()
	clock := newHandClock()
	return open(t, func(o *Options) { o.Now = clock.now }), clock
}

// beside opens another store on the same database.
func (f *fixture) beside() *fixture {
	f.t.Helper()
	s, err := Open(f.t.Context(), f.options)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.t.Error(err)
		}
	})
	return &fixture{Store: s, t: f.t}
}

func mortal(key string, ttl time.Duration) store.Op {
	op := put(key, `1`)
	op.Expiry = store.ExpiresIn(ttl)
	return op
}

// count runs a query for one number.
func (f *fixture) count(sql string) (n int64) {
	f.t.Helper()
	if err := f.session().QueryRow(f.t.Context(), sql).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// TestReapedByMany has several stores clear up the same database at once, while
// others write to it: each entry becomes a tombstone once, and is a change of
// the feed.
func TestReapedByMany(t *testing.T) {
	f, clock := openAt(t)
	const entries = 3 * reapChunk / 2
	for from := 0; from < entries; from += 250 {
		var ops []store.Op
		for i := range 250 {
			ops = append(ops, mortal(fmt.Sprintf("%04d", from+i), time.Hour))
		}
		f.apply(ops...)
	}
	f.apply(put("stays", `1`), mortal("later", 10*time.Hour))
	since := f.changes(store.Changes{}).Next
	for feed := f.changes(store.Changes{Since: since}); len(feed.Changes) > 0; feed = f.changes(store.Changes{Since: since}) {
		since = feed.Next
	}
	clock.advance(time.Hour)
	stores := []*fixture{f, f.beside(), f.beside()}
	var wg sync.WaitGroup
	for _, s := range stores {
		wg.Go(func() {
			for range 3 {
				if err := s.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for i := range 50 {
				s.apply(put("stays", strconv.Itoa(i)))
			}
		})
	}
	wg.Wait()
	var reaped int64
	for _, s := range stores {
		reaped += s.tallies.reaped.Load()
	}
	if reaped != entries {
		t.Errorf("%d were reaped, of %d", reaped, entries)
	}
	if n := f.count(`select count(*) from storage_entries where deleted and version = 2 and value is null and created_at is null and expires_at is null and metadata is null`); n != entries {
		t.Errorf("there are %d tombstones", n)
	}
	deleted := 0
	for feed := f.changes(store.Changes{Since: since}); len(feed.Changes) > 0; feed = f.changes(store.Changes{Since: since}) {
		for _, c := range feed.Changes {
			if c.Deleted {
				deleted++
			}
		}
		since = feed.Next
	}
	if deleted != entries {
		t.Errorf("the feed shows %d deletions", deleted)
	}
	if e := f.get("later"); !e.Exists() {
		t.Error("what lives on was reaped")
	}
}

// TestReapedInTime reaps in the background.
func TestReapedInTime(t *testing.T) {
	clock := newHandClock()
	f := open(t, func(o *Options) {
		o.Now, o.Retention = clock.now, store.Retention{Interval: time.Millisecond, Tombstones: time.Hour}
	})
	f.apply(mortal("k", time.Minute))
	clock.advance(time.Minute)
	poll(t, "the tombstone", func() bool { return f.count(`select count(*) from storage_entries where deleted`) == 1 })
	clock.advance(time.Hour)
	poll(t, "the tombstone to go", func() bool { return f.count(`select count(*) from storage_entries`) == 0 })
	if r := f.apply(put("k", `1`)); r[0].Entry.Version <= 2 {
		t.Errorf("versions went back to %d", r[0].Entry.Version)
	}
}

// TestReapLeavesWhatIsLocked passes over a row that somebody works on, and takes
// it afterwards.
func TestReapLeavesWhatIsLocked(t *testing.T) {
	f, clock := openAt(t)
	f.apply(mortal("held", time.Minute), mortal("free", time.Minute))
	clock.advance(time.Minute)
	release := f.holdRow("held")
	f.cleansUp()
	if n := f.count(`select count(*) from storage_entries where deleted`); n != 1 {
		t.Errorf("%d were reaped", n)
	}
	release()
	f.cleansUp()
	if n := f.count(`select count(*) from storage_entries where deleted`); n != 2 {
		t.Errorf("%d were reaped in the end", n)
	}
}

// TestReapOneTable clears up the table that was named, and no other.
func TestReapOneTable(t *testing.T) {
	f, clock := openAt(t)
	elsewhere := mortal("k", time.Minute)
	elsewhere.Ref.Table = "elsewhere"
	gone := remove("gone")
	gone.Ref.Table = "elsewhere"
	made := put("gone", `1`)
	made.Ref.Table = "elsewhere"
	f.apply(mortal("k", time.Minute), put("gone", `1`), elsewhere, made)
	f.apply(remove("gone"), gone)
	clock.advance(2 * f.options.Retention.Tombstones)
	if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup, Table: "elsewhere"}); err != nil {
		t.Fatal(err)
	}
	if n := f.count(`select count(*) from storage_entries where table_name = 't'`); n != 2 {
		t.Errorf("of the other table %d rows are left", n)
	}
	if n := f.count(`select count(*) from storage_entries where table_name = 'elsewhere'`); n != 1 {
		t.Errorf("of the table %d rows are left", n) // what has expired is a young tombstone
	}
}

// TestForgettingWaitsForTheFeed keeps a tombstone for as long as a reader of the
// feed can't have seen it, however old it is.
func TestForgettingWaitsForTheFeed(t *testing.T) {
	f, clock := openAt(t)
	f.apply(put("k", `1`))
	other := f.foreignWrite("other")
	f.apply(remove("k"))
	clock.advance(2 * f.options.Retention.Tombstones)
	since := f.changes(store.Changes{}).Next
	f.cleansUp()
	if n := f.count(`select count(*) from storage_entries where deleted`); n != 1 {
		t.Fatalf("%d tombstones are left", n)
	}
	other.commit()
	if got := changedKeys(f.changes(store.Changes{Since: since})); got != "other:1 k:2" {
		t.Fatalf("the feed shows %q", got)
	}
	f.cleansUp()
	if n := f.count(`select count(*) from storage_entries where deleted`); n != 0 {
		t.Fatalf("%d tombstones are left in the end", n)
	}
}

// TestForgettingIsPutOff does not wait for a lock that somebody holds for long,
// and keeps no writer waiting for it.
func TestForgettingIsPutOff(t *testing.T) {
	f, clock := openAt(t)
	f.apply(put("k", `1`), put("held", `1`))
	f.apply(remove("k"))
	clock.advance(2 * f.options.Retention.Tombstones)
	release := f.holdRow("held")
	if err := f.reap(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if n := f.count(`select count(*) from storage_entries where deleted`); n != 1 {
		t.Errorf("%d tombstones are left", n)
	}
	f.apply(put("new", `1`))
	release()
	f.cleansUp()
	if n := f.count(`select count(*) from storage_entries where deleted`); n != 0 {
		t.Errorf("%d tombstones are left in the end", n)
	}
}

// TestFloorUnderWriters deletes and makes keys while tombstones are forgotten at
// once: no version is ever used twice.
func TestFloorUnderWriters(t *testing.T) {
	f := open(t, func(o *Options) {
		o.Retention = store.Retention{Interval: time.Hour, Tombstones: time.Microsecond}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var reaper sync.WaitGroup
	reaper.Go(func() {
		for ctx.Err() == nil {
			if err := f.reap(context.WithoutCancel(ctx), ""); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var mu sync.Mutex
	used := make(map[string]map[int64]bool)
	use := func(r store.Result) {
		if !r.Changed {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		versions := used[r.Entry.Key]
		if versions == nil {
			versions = make(map[int64]bool)
			used[r.Entry.Key] = versions
		}
		if versions[r.Entry.Version] {
			t.Errorf("%s had version %d before", r.Entry.Ref, r.Entry.Version)
		}
		versions[r.Entry.Version] = true
	}
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := range 60 {
				key := strconv.Itoa((w + i) % 4)
				switch i % 3 {
				case 0:
					use(f.apply(put(key, `1`))[0])
				case 1:
					use(f.apply(remove(key))[0])
				case 2:
					for _, r := range f.apply(plusOne(key+"n"), remove(key)) {
						use(r)
					}
				}
			}
		})
	}
	wg.Wait()
	cancel()
	reaper.Wait()
	if f.tallies.reaped.Load() == 0 {
		t.Error("nothing was forgotten")
	}
}
