package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"larder/internal/store"
)

func (f *fixture) compactFile() error {
	return f.Maintain(f.t.Context(), store.Maintenance{Action: store.Compact})
}

func TestCompactionGivesSpaceBack(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 5000)
	s.index(store.Index{Name: "age", Fields: numberField("age")})
	var ops []store.Op
	for i := range 4900 {
		if ops = append(ops, remove(putOp("t", i, 0).Ref.Key)); len(ops) == 700 {
			s.apply(ops...)
			ops = nil
		}
	}
	since := s.changes(store.Changes{Table: "t"}).Next
	before := sizeOf(s.options.Path)
	if err := s.compactFile(); err != nil {
		t.Fatal(err)
	}
	if after := sizeOf(s.options.Path); after > before/2 {
		t.Errorf("the file has %d bytes after %d, want less than half", after, before)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.options.Path + compactSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy is still there: %v", err)
	}
	s.apply(put("after", "1"))
	s.reopen()
	s.holds("after", "1")
	s.counts("t", 101)
	if feed := s.changes(store.Changes{Table: "t", Since: since, Limit: 1000}); len(feed.Changes) == 0 {
		t.Error("the cursor from before leads to no changes")
	}
}

// TestCompactionUnderLoad reads and writes while the file is replaced again and
// again: reads see every acknowledged write, and none is lost.
func TestCompactionUnderLoad(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 2000)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	const writers = 8
	var written [writers]atomic.Int64
	for w := range writers {
		key := fmt.Sprintf("w%d", w)
		wg.Go(func() {
			for n := int64(1); ctx.Err() == nil; n++ {
				if _, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put(key, strconv.FormatInt(n, 10))}}); err != nil {
					t.Errorf("writing: %v", err)
					return
				}
				written[w].Store(n)
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil {
				atLeast := written[w].Load()
				read, err := s.Get(t.Context(), []store.Ref{ref(key)})
				if err != nil || read.Entries[0].Version < atLeast {
					t.Errorf("reading: got version %d, %v; want at least %d", read.Entries[0].Version, err, atLeast)
					return
				}
				if _, err := s.Scan(t.Context(), store.Scan{Table: "t", Prefix: "key", Limit: 200}); err != nil {
					t.Errorf("scanning: %v", err)
					return
				}
			}
		})
	}
	for range 10 {
		if err := s.compactFile(); err != nil {
			t.Errorf("compacting: %v", err)
		}
	}
	stop()
	wg.Wait()
	s.reopen()
	for w := range writers {
		s.holds(fmt.Sprintf("w%d", w), strconv.FormatInt(written[w].Load(), 10))
	}
}

// TestALongReadOutlivesCompaction has a read go on in the file that was
// replaced, while new ones and writes use the next.
func TestALongReadOutlivesCompaction(t *testing.T) {
	s := open(t)
	s.apply(put("k", "1"))
	tx, f, err := s.begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.compactFile(); err != nil {
		t.Fatal(err)
	}
	s.apply(put("k", "2"))
	s.holds("k", "2")
	r, found, err := loadRecord(tx, ref("k"))
	if err != nil || !found || string(r.value) != "1" {
		t.Errorf("the long read: got %q, %t, %v; want 1", r.value, found, err)
	}
	if err := s.done(tx, f); err != nil {
		t.Error(err)
	}
}

func TestOneCompactionAtATime(t *testing.T) {
	s := open(t)
	release := s.occupy()
	done := make(chan error, 1)
	go func() { done <- s.compactFile() }()
	poll(t, "the compaction to begin", s.compacting.Load)
	fails(t, "a second one", s.compactFile(), store.Busy)
	release()
	if err := <-done; err != nil {
		t.Errorf("the first: %v", err)
	}
	fails(t, "an unknown action", s.Maintain(t.Context(), store.Maintenance{Action: store.Vacuum}), store.Unsupported)
}

// TestACompactionThatIsCutOff stops at every step that another process could
// be killed at: what is then there opens, with everything in it.
func TestACompactionThatIsCutOff(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 1000)
	s.close()
	whole, err := os.ReadFile(s.options.Path)
	if err != nil {
		t.Fatal(err)
	}
	left := s.options.Path + compactSuffix
	for _, part := range []int{0, 1, 5000, len(whole) / 2, len(whole)} {
		if err := os.WriteFile(left, whole[:part], 0o600); err != nil {
			t.Fatal(err)
		}
		s.reopen()
		if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a copy of %d bytes was left over: %v", part, err)
		}
		s.counts("t", 1000)
	}
}

func TestACompactionWhoseCallerLeaves(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 2000)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.exclude(t.Context(), func() error {
		cancel()
		return s.compact(ctx)
	})
	fails(t, "compacting for nobody", err, store.Canceled)
	if _, err := os.Stat(s.options.Path + compactSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy is still there: %v", err)
	}
	s.apply(put("k", "1"))
	s.holds("k", "1")
}

func TestSnapshotsUnderLoad(t *testing.T) {
	s := open(t)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				text := strconv.Itoa(i)
				a, b := put(fmt.Sprintf("a%d-%d", w, i%100), text), put(fmt.Sprintf("b%d-%d", w, i%100), text)
				if _, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{a, b}}); err != nil {
					t.Errorf("writing: %v", err)
					return
				}
			}
		})
	}
	for i := range 5 {
		var copied bytes.Buffer
		n, err := s.Snapshot(t.Context(), &copied)
		if err != nil || n != int64(copied.Len()) {
			t.Fatalf("Snapshot: %d bytes of %d, %v", n, copied.Len(), err)
		}
		snapshot := open(t, func(o *Options) {
			o.Path = filepath.Join(filepath.Dir(o.Path), fmt.Sprintf("copy%d.db", i))
			if err := os.WriteFile(o.Path, copied.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		})
		page, err := snapshot.Scan(t.Context(), store.Scan{Table: "t", Prefix: "a", Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			if twin := snapshot.get("b" + e.Key[1:]); !twin.Value.Equal(e.Value) {
				t.Errorf("%s is %s, but its twin, written with it, %s", e.Key, e.Value.Data, twin.Value.Data)
			}
		}
	}
	stop()
	wg.Wait()
}

// TestWritesGoOnDuringASnapshot has the file grow to many times its size while
// a snapshot is being read slowly: neither writes nor new reads wait for it.
func TestWritesGoOnDuringASnapshot(t *testing.T) {
	s := open(t)
	s.apply(put("k", "1"))
	slow := &gate{begun: make(chan struct{}), open: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		_, err := s.Snapshot(t.Context(), slow)
		done <- err
	}()
	<-slow.begun
	fill(t, s.Store, "u", 20_000)
	s.apply(put("k", "2"))
	s.holds("k", "2")
	close(slow.open)
	if err := <-done; err != nil {
		t.Errorf("Snapshot: %v", err)
	}
}

// gate is a writer that waits at its first write.
type gate struct {
	begun, open chan struct{}
	once        sync.Once
}

func (g *gate) Write(b []byte) (int, error) {
	g.once.Do(func() { close(g.begun) })
	<-g.open
	return len(b), nil
}

func TestASnapshotThatCanNotBeWritten(t *testing.T) {
	s := open(t)
	s.apply(put("k", "1"))
	_, err := s.Snapshot(t.Context(), failingWriter{})
	fails(t, "a snapshot into what fails", err, store.Internal)
	if !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the cause in it", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = s.Snapshot(ctx, cancelingWriter{cancel})
	fails(t, "a snapshot for nobody", err, store.Canceled)
}

var errBroken = errors.New("broken")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errBroken }

type cancelingWriter struct{ cancel context.CancelFunc }

func (w cancelingWriter) Write(b []byte) (int, error) { w.cancel(); return len(b), nil }

func TestTheMappingHasRoom(t *testing.T) {
	s := open(t)
	s.apply(put("k", "1"))
	f := s.acquire()
	defer f.release()
	before := f.db.Info().Data
	fill(t, s.Store, "u", 20_000)
	if after := f.db.Info().Data; after != before {
		t.Error("the file was mapped anew as it grew, which stops all readers")
	}
}
