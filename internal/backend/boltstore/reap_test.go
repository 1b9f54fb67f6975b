package boltstore

import (
	"fmt"
	"testing"
	"time"

	"larder/internal/store"
)

func (f *fixture) cleanUp(table string) {
	f.t.Helper()
	if err := f.Maintain(f.t.Context(), store.Maintenance{Action: store.Cleanup, Table: table}); err != nil {
		f.t.Fatalf("cleaning up: %v", err)
	}
}

// short is a put of what lives for a second.
func short(table, key string) store.Op {
	return store.Op{Kind: store.Put, Ref: store.Ref{Table: table, Key: key}, Value: document(1, 100), Expiry: store.ExpiresIn(time.Second)}
}

func TestReaping(t *testing.T) {
	s := open(t)
	const n = 3*reapChunk + 7
	var ops []store.Op
	for i := range n {
		ops = append(ops, short("t", fmt.Sprintf("k%04d", i)))
	}
	s.apply(ops...)
	s.apply(put("stays", "1"), short("u", "k"))
	since := s.changes(store.Changes{}).Next
	s.clock.Advance(time.Second)
	s.counts("t", 1) // though nothing has been reaped
	s.counts("u", 0)
	s.cleanUp("t")
	s.counts("t", 1)
	feed := s.changes(store.Changes{Since: since, Limit: 1000})
	if len(feed.Changes) != n {
		t.Errorf("the feed shows %d deletions, want %d", len(feed.Changes), n)
	}
	for _, c := range feed.Changes {
		if c.Table != "t" || !c.Deleted || c.Version != 2 {
			t.Fatalf("the feed shows %+v, want a tombstone in t", c)
		}
	}
	s.cleanUp("")
	if feed := s.changes(store.Changes{Table: "u"}); len(feed.Changes) != 1 || !feed.Changes[0].Deleted {
		t.Errorf("in u the feed shows %+v, want a tombstone", feed.Changes)
	}

	// Tombstones are kept for their time, then go.
	s.clock.Advance(7*24*time.Hour - time.Microsecond)
	s.cleanUp("")
	s.tombstones(n + 1)
	s.clock.Advance(time.Microsecond)
	s.cleanUp("")
	s.tombstones(0)
	tables, err := s.Tables(t.Context())
	if err != nil || len(tables) != 1 || tables[0] != (store.TableInfo{Name: "t", Entries: 1}) {
		t.Errorf("got tables %+v, %v; want t alone, with one entry", tables, err)
	}

	// New keys start above what the forgotten ones have used.
	if e := s.get("k0000"); e.Version != 2 || !e.Deleted {
		t.Errorf("a forgotten key: got %+v, want it absent at version 2", e)
	}
	for _, key := range []string{"k0000", "new"} {
		if r := s.apply(put(key, "1")); r[0].Entry.Version != 3 {
			t.Errorf("%s starts at version %d, want 3", key, r[0].Entry.Version)
		}
	}
	s.reopen()
	if r := s.apply(put("newer", "1")); r[0].Entry.Version != 3 {
		t.Errorf("after opening again a key starts at version %d, want 3", r[0].Entry.Version)
	}
}

// counts fails unless the table holds so many entries.
func (f *fixture) counts(table string, want int64) {
	f.t.Helper()
	tables, err := f.Tables(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, info := range tables {
		if info.Name == table && info.Entries != want {
			f.t.Errorf("%s counts %d entries, want %d", table, info.Entries, want)
		}
	}
}

func (f *fixture) tombstones(want float64) {
	f.t.Helper()
	inspection, err := f.Inspect(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, figure := range inspection.Figures {
		if figure.Name == "tombstones" && figure.Value != want {
			f.t.Errorf("there are %v tombstones, want %v", figure.Value, want)
		}
	}
}

// TestTheReaperRuns has the reaper itself make a tombstone, which shows in the
// feed.
func TestTheReaperRuns(t *testing.T) {
	s := open(t, func(o *Options) { o.Retention.Interval = time.Millisecond })
	s.apply(short("t", "k"))
	since := s.changes(store.Changes{}).Next
	s.clock.Advance(time.Second)
	feed := s.changes(store.Changes{Since: since, Wait: time.Minute})
	if len(feed.Changes) != 1 || !feed.Changes[0].Deleted {
		t.Errorf("the feed shows %+v, want a tombstone", feed.Changes)
	}
}

func TestAnInstalledTombstoneIsKeptFromItsInstallation(t *testing.T) {
	s := open(t)
	long := s.clock.Now().Add(-365 * 24 * time.Hour)
	if err := s.Install(t.Context(), []store.Entry{{Ref: ref("k"), Version: 9, UpdatedAt: long, Deleted: true}}); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(7*24*time.Hour - time.Microsecond)
	s.cleanUp("")
	s.tombstones(1)
	s.clock.Advance(time.Microsecond)
	s.cleanUp("")
	s.tombstones(0)
	// The floor is this store's: what another one commits below it is taken.
	e := store.Entry{Ref: ref("other"), Version: 1, CreatedAt: long, UpdatedAt: long, Value: document(1, 100)}
	if err := s.Install(t.Context(), []store.Entry{e}); err != nil {
		t.Fatal(err)
	}
	if got := s.get("other"); !got.Equal(e) {
		t.Errorf("got %+v, want %+v", got, e)
	}
}

func TestTheClockDoesNotGoBack(t *testing.T) {
	s := open(t)
	s.apply(short("t", "k"))
	s.clock.Advance(time.Second)
	if e := s.get("k"); e.Exists() {
		t.Fatal("the entry has not expired")
	}
	s.clock.Advance(-time.Hour)
	if e := s.get("k"); e.Exists() {
		t.Error("the entry is back after the clock was set back")
	}
	s.apply(put("other", "1"))
	s.reopen()
	if e := s.get("k"); e.Exists() {
		t.Error("the entry is back after the clock was set back and the store opened again")
	}
}
