package pgstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
)

// holdTable locks the entries so that reads wait, until the function it gives is
// called.
func (f *fixture) holdTable() (release func()) {
	f.t.Helper()
	tx, err := f.session().Begin(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := tx.Exec(f.t.Context(), "lock table "+f.sql.entries+" in access exclusive mode"); err != nil {
		f.t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if err := tx.Rollback(context.WithoutCancel(f.t.Context())); err != nil {
			f.t.Error(err)
		}
	})
}

// queuedReads says how many reads wait for a lane.
func (f *fixture) queuedReads() int {
	f.reads.mu.Lock()
	defer f.reads.mu.Unlock()
	return len(f.reads.queue)
}

// occupied begins a read in each lane, which the held table keeps there. The
// second lane begins since the first seems stuck.
func (f *fixture) occupied() (ended *sync.WaitGroup) {
	f.t.Helper()
	ended = &sync.WaitGroup{}
	for lane := range lanesOfRead {
		f.seemStuck()
		ended.Go(func() {
			if _, err := f.Get(f.t.Context(), []store.Ref{ref("a")}); err != nil {
				f.t.Error(err)
			}
		})
		poll(f.t, "the lane to begin", func() bool {
			f.reads.mu.Lock()
			defer f.reads.mu.Unlock()
			begun := 0
			for _, at := range f.reads.begun {
				if !at.IsZero() {
					begun++
				}
			}
			return begun == lane+1 && len(f.reads.queue) == 0
		})
	}
	return ended
}

// seemStuck has the lanes that are under way count as ones that don't come back.
func (f *fixture) seemStuck() {
	f.reads.mu.Lock()
	defer f.reads.mu.Unlock()
	for i, at := range f.reads.begun {
		if !at.IsZero() {
			f.reads.begun[i] = time.Now().Add(-stuckAfter)
		}
	}
}

// notStuck has lanes count as busy only, for a test that holds them up. It is
// called with the lanes occupied.
func (f *fixture) notStuck() {
	f.reads.mu.Lock()
	defer f.reads.mu.Unlock()
	for i := range f.reads.begun {
		f.reads.begun[i] = time.Now().Add(time.Hour)
	}
}

// TestReadsTogether has reads wait for two lanes. They are one statement then,
// and each caller gets what it asked for, the same key twice and absent ones
// too.
func TestReadsTogether(t *testing.T) {
	f := open(t)
	elsewhere := put("a", `"elsewhere"`)
	elsewhere.Ref.Table = "elsewhere"
	f.apply(put("a", `1`), put("b", `{"n":2}`), put("gone", `1`), elsewhere)
	f.apply(remove("gone"))
	release := f.holdTable()
	defer release()
	lanes := f.occupied()
	f.notStuck()
	groups := f.tallies.readGroups.Load()

	want := map[store.Ref]string{
		ref("a"): `1`, ref("b"): `{"n":2}`, ref("gone"): "", ref("none"): "",
		elsewhere.Ref: `"elsewhere"`, {Table: "none", Key: "a"}: "",
	}
	var callers sync.WaitGroup
	waiting := 0
	for range 3 {
		for at, text := range want {
			waiting++
			callers.Go(func() {
				read, err := f.Get(t.Context(), []store.Ref{at})
				if err != nil || len(read.Entries) != 1 || read.Horizon == 0 {
					t.Errorf("%s: %+v, %v", at, read, err)
					return
				}
				if e := read.Entries[0]; e.Ref != at || string(e.Value.Data) != text || e.Exists() != (text != "") {
					t.Errorf("%s gave %+v", at, e)
				}
				if e := read.Entries[0]; at.Key == "gone" && (e.Version != 2 || !e.Deleted) {
					t.Errorf("of a deleted entry there is %+v", e)
				}
			})
		}
	}
	poll(t, "all to wait", func() bool { return f.queuedReads() == waiting })
	release()
	callers.Wait()
	lanes.Wait()
	if n := f.tallies.readGroups.Load() - groups; n > lanesOfRead+1 {
		t.Errorf("%d reads were done by %d statements", waiting+lanesOfRead, n)
	}
}

// TestReadsBesideStuckLanes reads by itself once no lane has come back for a
// while.
func TestReadsBesideStuckLanes(t *testing.T) {
	f := open(t)
	f.apply(put("a", `1`))
	release := f.holdTable()
	lanes := f.occupied()
	f.seemStuck()
	done := make(chan error)
	go func() {
		_, err := f.Get(t.Context(), []store.Ref{ref("a")})
		done <- err
	}()
	poll(t, "a statement of its own", func() bool { return f.pool.Stat().AcquiredConns() > lanesOfRead })
	if n := f.queuedReads(); n != 0 {
		t.Errorf("%d reads wait", n)
	}
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	lanes.Wait()
}

// TestReadersLeave has callers go away while their reads wait, and while they
// are under way.
func TestReadersLeave(t *testing.T) {
	f := open(t)
	f.apply(put("a", `1`))
	release := f.holdTable()
	lanes := f.occupied()
	f.notStuck()
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 5)
	for range cap(errs) {
		go func() {
			_, err := f.Get(ctx, []store.Ref{ref("a")})
			errs <- err
		}()
	}
	poll(t, "all to wait", func() bool { return f.queuedReads() == cap(errs) })
	cancel()
	for range cap(errs) {
		fails(t, "one who went away", <-errs, store.Canceled)
	}
	release()
	lanes.Wait()
	late, stop := context.WithTimeout(t.Context(), time.Nanosecond)
	defer stop()
	_, err := f.Get(late, []store.Ref{ref("a")})
	fails(t, "one past its deadline", err, store.Timeout)
	if read, err := f.Get(t.Context(), []store.Ref{ref("a")}); err != nil || !read.Entries[0].Exists() {
		t.Errorf("afterwards: %+v, %v", read, err)
	}
}

// TestReadsEndWithTheStore closes the store while reads wait.
func TestReadsEndWithTheStore(t *testing.T) {
	f := open(t)
	f.apply(put("a", `1`))
	release := f.holdTable()
	lanes := f.occupied()
	f.notStuck()
	errs := make(chan error, 3)
	for range cap(errs) {
		go func() {
			_, err := f.Get(t.Context(), []store.Ref{ref("a")})
			errs <- err
		}()
	}
	poll(t, "all to wait", func() bool { return f.queuedReads() == cap(errs) })
	closed := make(chan error)
	go func() { closed <- f.Close() }()
	poll(t, "the store to close", f.isClosed)
	release()
	for range cap(errs) {
		fails(t, "a read that waited", <-errs, store.Unavailable)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	lanes.Wait()
	_, err := f.Get(t.Context(), []store.Ref{ref("a")})
	fails(t, "a read after Close", err, store.Unavailable)
}

// TestBadRowFailsAlone has a row that larder can't have written among others.
func TestBadRowFailsAlone(t *testing.T) {
	f := open(t)
	f.apply(put("a", `1`), put("bad", `1`))
	administer(t, f.options.URL, `update storage_entries set metadata = '[1]' where key = 'bad'`)
	release := f.holdTable()
	defer release()
	lanes := f.occupied()
	f.notStuck()
	var callers sync.WaitGroup
	for _, key := range []string{"a", "bad", "bad", "none"} {
		callers.Go(func() {
			_, err := f.Get(t.Context(), []store.Ref{ref(key)})
			if bad := key == "bad"; (err != nil) != bad {
				t.Errorf("%s: %v", key, err)
			}
		})
	}
	poll(t, "all to wait", func() bool { return f.queuedReads() == 4 })
	release()
	callers.Wait()
	lanes.Wait()
	_, err := f.Get(t.Context(), []store.Ref{ref("a"), ref("bad")})
	fails(t, "a read of both", err, store.Internal)
}

// TestReadManyAtOnce keeps the order of what was asked for, of one table and of
// several, and keeps entries once the connection's memory is used again.
func TestReadManyAtOnce(t *testing.T) {
	f := open(t)
	var one, several []store.Ref
	for i := range 150 {
		op := put(strconv.Itoa(i), fmt.Sprintf(`"value %d"`, i))
		f.apply(op)
		one = append(one, op.Ref)
		op.Ref.Table = fmt.Sprintf("t%d", i%7)
		f.apply(op)
		several = append(several, op.Ref)
	}
	for _, refs := range [][]store.Ref{one, several, append(slices.Clone(several), several...), {ref("none")}, {ref("none"), {Table: "none", Key: "none"}}, {}} {
		slices.Reverse(refs)
		read, err := f.Get(t.Context(), refs)
		if err != nil || len(read.Entries) != len(refs) || read.Horizon == 0 {
			t.Fatalf("%d of %d, horizon %d: %v", len(read.Entries), len(refs), read.Horizon, err)
		}
		if _, err := f.Get(t.Context(), one); err != nil { // over the same memory
			t.Fatal(err)
		}
		for i, e := range read.Entries {
			want := `"value ` + refs[i].Key + `"`
			if e.Ref != refs[i] || e.Exists() != (refs[i].Key != "none") || e.Exists() && string(e.Value.Data) != want {
				t.Fatalf("entry %d, of %s, is %+v", i, refs[i], e)
			}
		}
	}
}
