package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

func TestApplyEachDoesEachByItself(t *testing.T) {
	s := filled(t, 3, store.Limits{})
	put := at(store.Put, "a/000")
	insert := put
	insert.If.Absent = true
	add := store.Op{Kind: store.Increment, Ref: put.Ref, Increment: store.Step{Delta: []byte(`1`)}}
	ops := []store.Op{add, insert, at(store.Get, "a/001"), add, at(store.Get, "a/000"), at(store.Get, ".."), at(store.Delete, "a/002"), at(store.Get, "none"), add, at(store.Get, "a/002")}
	codes := []store.Code{"", store.AlreadyExists, "", "", "", store.InvalidKey, "", "", "", ""}
	values := []string{"2", "", "1", "3", "3", "", "", "", "4", ""}
	for i, o := range store.ApplyEach(t.Context(), s, store.Batch{Ops: ops}) {
		if store.CodeOf(o.Err) != codes[i] || string(o.Entry.Value.Data) != values[i] {
			t.Errorf("operation %d: got %s, %v, want %q, %q", i, o.Entry.Value.Data, o.Err, values[i], codes[i])
		}
	}
}

func TestApplyEachDryRun(t *testing.T) {
	s := filled(t, 2, store.Limits{})
	outcomes := store.ApplyEach(t.Context(), s, store.Batch{DryRun: true, Ops: []store.Op{at(store.Put, "a/000"), at(store.Put, "new"), at(store.Get, "a/001"), at(store.Check, "none")}})
	for i, code := range []store.Code{"", "", "", store.NotFound} {
		if store.CodeOf(outcomes[i].Err) != code {
			t.Errorf("operation %d: %v, want %q", i, outcomes[i].Err, code)
		}
	}
	if !outcomes[0].Changed || !outcomes[1].Created || outcomes[0].Entry.Version != 2 {
		t.Errorf("the outcomes are %+v", outcomes)
	}
	read, err := s.Get(t.Context(), []store.Ref{at(store.Get, "a/000").Ref, at(store.Get, "new").Ref})
	if err != nil || read.Entries[0].Version != 1 || read.Entries[1].Exists() {
		t.Errorf("the dry run left %+v, %v", read, err)
	}
}

// counting counts calls, and how many writes there were at once.
type counting struct {
	store.Store
	mu                sync.Mutex
	gets, writes, now int
	most              int
	release           chan struct{}
}

func (c *counting) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	c.mu.Lock()
	c.gets++
	c.mu.Unlock()
	return c.Store.Get(ctx, refs)
}

func (c *counting) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	c.mu.Lock()
	c.writes++
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	<-c.release
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return c.Store.Apply(ctx, b)
}

func TestApplyEachReadsTogetherAndWritesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counting{Store: storetest.NewModel(storetest.ModelOptions{}), release: make(chan struct{})}
		var ops []store.Op
		for i := range 300 {
			ops = append(ops, at(store.Put, fmt.Sprint("w", i)), at(store.Get, fmt.Sprint("r", i)))
		}
		done := make(chan []store.Outcome)
		go func() { done <- store.ApplyEach(t.Context(), s, store.Batch{Ops: ops}) }()
		synctest.Wait()
		if s.now != 128 || s.gets != 1 {
			t.Errorf("%d writes are under way and %d reads, want 128 and 1", s.now, s.gets)
		}
		close(s.release)
		for i, o := range <-done {
			if o.Err != nil || o.Changed != (i%2 == 0) || o.Entry.Ref != ops[i].Ref {
				t.Errorf("operation %d: %+v", i, o)
			}
		}
		if s.writes != 300 || s.gets != 1 || s.most != 128 {
			t.Errorf("%d writes, at most %d at once, and %d reads", s.writes, s.most, s.gets)
		}
	})
}

func TestApplyEachSharesAReadsFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i, o := range store.ApplyEach(ctx, filled(t, 1, store.Limits{}), store.Batch{Ops: []store.Op{at(store.Get, "a"), at(store.Get, "b"), {Kind: store.Put, Ref: ada, Value: value.MustParse(`1`)}}}) {
		if store.CodeOf(o.Err) != store.Canceled {
			t.Errorf("operation %d: %v", i, o.Err)
		}
	}
	if outcomes := store.ApplyEach(ctx, nil, store.Batch{}); len(outcomes) != 0 {
		t.Errorf("nothing to do gave %+v", outcomes)
	}
}

// halfDown can't reach the slot of one entry.
type halfDown struct {
	*storetest.Slotted
	down store.Ref
}

func (h halfDown) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	for _, ref := range refs {
		if h.Slot(ref) == h.Slot(h.down) {
			return store.Read{}, &store.Error{Code: store.Unavailable, Ref: ref}
		}
	}
	return h.Slotted.Get(ctx, refs)
}

func TestApplyEachReadsWhatCanBeRead(t *testing.T) {
	s := halfDown{&storetest.Slotted{Model: filled(t, 40, store.Limits{}).(*storetest.Model)}, at(store.Get, "a/007").Ref}
	var b store.Batch
	for i := range 40 {
		b.Ops = append(b.Ops, at(store.Get, fmt.Sprintf("a/%03d", i)))
	}
	failed := 0
	for i, o := range store.ApplyEach(t.Context(), s, b) {
		down := s.Slot(b.Ops[i].Ref) == s.Slot(s.down)
		if down {
			failed++
		}
		if down != (store.CodeOf(o.Err) == store.Unavailable) || !down && (o.Err != nil || !o.Entry.Exists() || o.Entry.Ref != b.Ops[i].Ref) {
			t.Errorf("operation %d came to %+v, %v", i, o.Entry, o.Err)
		}
	}
	if failed == 0 || failed == 40 {
		t.Errorf("%d of 40 keys are in the slot that is down", failed)
	}
}
