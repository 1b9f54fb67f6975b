package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
)

// write does a write in the background.
func (f *fixture) write(ctx context.Context, op store.Op) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := f.Apply(ctx, store.Batch{Ops: []store.Op{op}})
		done <- err
	}()
	return done
}

// queued is how many writes wait for a lane.
func (l *lanes) queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

// running is how many lanes are under way.
func (l *lanes) running() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lanes
}

// stall has all lanes of a kind wait for rows that the test holds, so that what
// is written meanwhile is queued.
func (f *fixture) stall(l *lanes, op func(key string) store.Op) (release func()) {
	f.t.Helper()
	var releases []func()
	var stalled []<-chan error
	for i := range lanesOf {
		key := fmt.Sprintf("stalled-%d", i)
		f.apply(put(key, `0`))
		releases = append(releases, f.holdRow(key))
		stalled = append(stalled, f.write(f.t.Context(), op(key)))
		poll(f.t, "a lane to be under way", func() bool { return l.running() == i+1 && l.queued() == 0 })
	}
	return func() {
		for _, r := range releases {
			r()
		}
		for _, done := range stalled {
			if err := <-done; err != nil {
				f.t.Errorf("a write that waited for a row: %v", err)
			}
		}
	}
}

// TestWritesTogether has what waits for the lanes go as few transactions.
func TestWritesTogether(t *testing.T) {
	f := open(t)
	release := f.stall(&f.writes.plain, func(key string) store.Op { return put(key, `1`) })
	var all []<-chan error
	for i := range 100 {
		all = append(all, f.write(t.Context(), put(fmt.Sprintf("k%d", i), `1`)))
	}
	poll(t, "100 writes to wait", func() bool { return f.writes.plain.queued() == 100 })
	before := f.tallies.commits.Load()
	release()
	for _, done := range all {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if commits := f.tallies.commits.Load() - before; commits > lanesOf+2 {
		t.Errorf("100 writes that waited took %d commits", commits)
	}
	for i := range 100 {
		f.holds(fmt.Sprintf("k%d", i), `1`)
	}
}

// TestBadWriteFailsAlone puts among writes that go together those that fail, in
// Eval and in the database.
func TestBadWriteFailsAlone(t *testing.T) {
	f := open(t)
	if _, err := f.session().Exec(t.Context(), "alter table "+f.sql.entries+" add constraint no_seven check (value <> '7')"); err != nil {
		t.Fatal(err)
	}
	keeping := func(key, text string) store.Op {
		op := put(key, text)
		op.Expiry = store.KeepExpiry()
		return op
	}
	for name, kind := range map[string]struct {
		lanes *lanes
		op    func(key, text string) store.Op
	}{"plain-": {&f.writes.plain, put}, "other-": {&f.writes.other, keeping}} {
		release := f.stall(kind.lanes, func(key string) store.Op { return kind.op(key, `1`) })
		good := []<-chan error{f.write(t.Context(), kind.op(name+"a", `1`)), f.write(t.Context(), kind.op(name+"b", `2`))}
		bad := f.write(t.Context(), kind.op(name+"c", `7`))
		wrong := f.write(t.Context(), store.Op{Kind: store.Put, Ref: ref(name + "d"), Value: put("", `1`).Value, If: store.IfVersion(3)})
		poll(t, "the writes to wait", func() bool { return f.writes.plain.queued()+f.writes.other.queued() >= 3 })
		release()
		for _, done := range good {
			if err := <-done; err != nil {
				t.Errorf("a good write: %v", err)
			}
		}
		fails(t, "a write that the database refuses", <-bad, store.Internal)
		fails(t, "a write whose precondition fails", <-wrong, store.NotFound)
		f.holds(name+"a", `1`)
		f.holds(name+"b", `2`)
		if f.get(name+"c").Exists() || f.get(name+"d").Exists() {
			t.Error("what failed has been written")
		}
	}
}

// TestSameKeyInTurn has many write one key: each sees what the one before left.
func TestSameKeyInTurn(t *testing.T) {
	f := open(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if _, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{plusOne("n")}}); err != nil {
					t.Error(err)
				}
				if _, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{put("m", `1`)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	f.holds("n", `200`)
	if v := f.get("n").Version; v != 200 {
		t.Errorf("the counter is at version %d", v)
	}
	if v := f.get("m").Version; v != 200 {
		t.Errorf("the entry is at version %d", v)
	}
}

// TestCounterTogether has what waits to change one key go as few transactions,
// each change finding what the one before has left.
func TestCounterTogether(t *testing.T) {
	f := open(t)
	release := f.stall(&f.writes.other, plusOne)
	const clients = 50
	var wg sync.WaitGroup
	seen := make([]int64, clients+1)
	for range clients {
		wg.Go(func() {
			results, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{plusOne("n")}})
			if err != nil {
				t.Error(err)
				return
			}
			atomic.AddInt64(&seen[results[0].Entry.Version], 1)
		})
	}
	wrong := f.write(t.Context(), store.Op{Kind: store.Put, Ref: ref("n"), Value: put("n", `0`).Value, If: store.IfVersion(clients + 7)})
	poll(t, "all to wait", func() bool { return f.writes.other.queued() == clients+1 })
	before := f.tallies.commits.Load()
	release()
	wg.Wait()
	if err := <-wrong; !errors.Is(err, store.VersionMismatch) && !errors.Is(err, store.NotFound) {
		t.Errorf("a write for a version that never was: %v", err)
	}
	if commits := f.tallies.commits.Load() - before; commits > lanesOf+2 {
		t.Errorf("%d changes that waited took %d commits", clients, commits)
	}
	for version := 1; version <= clients; version++ {
		if seen[version] != 1 {
			t.Errorf("version %d was given %d times", version, seen[version])
		}
	}
	f.holds("n", strconv.Itoa(clients))
}

// TestQueuedWriteLeaves has a caller go away before its write's turn: nothing is
// written then.
func TestQueuedWriteLeaves(t *testing.T) {
	f := open(t)
	release := f.stall(&f.writes.plain, func(key string) store.Op { return put(key, `1`) })
	ctx, cancel := context.WithCancel(t.Context())
	gone := f.write(ctx, put("gone", `1`))
	short, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	late := f.write(short, put("late", `1`))
	fails(t, "a write whose deadline passed in the queue", <-late, store.Timeout)
	poll(t, "a write to wait", func() bool { return f.writes.plain.queued() > 0 })
	cancel()
	fails(t, "a write whose caller left", <-gone, store.Canceled)
	release()
	f.apply(put("after", `1`))
	if f.get("gone").Exists() || f.get("late").Exists() {
		t.Error("a write was done for a caller who was told that it was not")
	}
}

// TestDeadlineOfOne has a write wait for a row beyond its deadline, together
// with others that have time: it fails with nothing written, the others succeed.
func TestDeadlineOfOne(t *testing.T) {
	f := open(t)
	f.apply(put("held", `0`))
	stalled := f.stall(&f.writes.plain, func(key string) store.Op { return put(key, `1`) })
	release := f.holdRow("held")
	short, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	held := f.write(short, put("held", `1`))
	free := f.write(t.Context(), put("free", `1`))
	stalled()
	fails(t, "a write of a row that another holds", <-held, store.Timeout)
	if err := <-free; err != nil {
		t.Errorf("a write beside it: %v", err)
	}
	release()
	f.holds("held", `0`)
	f.holds("free", `1`)
}

// TestCloseWhileWriting has Close wait for what is under way; what waits fails,
// and says so.
func TestCloseWhileWriting(t *testing.T) {
	f := open(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	for i := range 16 {
		wg.Go(func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("%d-%d", i, n)
				_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{put(key, `1`)}})
				if err != nil {
					fails(t, "a write after Close", err, store.Unavailable)
					return
				}
				mu.Lock()
				acknowledged[key] = true
				mu.Unlock()
			}
		})
	}
	poll(t, "some writes", func() bool { return f.tallies.commits.Load() > 5 })
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	again := open(t, func(o *Options) { o.URL = f.options.URL })
	for key := range acknowledged {
		if !again.get(key).Exists() {
			t.Errorf("%s was acknowledged and is not there", key)
		}
	}
}
