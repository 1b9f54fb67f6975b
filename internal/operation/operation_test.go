package operation

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

// shaky is a store that may be away, or leave open what came of a write.
type shaky struct {
	store.Store
	gone, vague atomic.Bool
}

func newShaky() *shaky { return &shaky{Store: storetest.NewModel(storetest.ModelOptions{})} }

var errAway = &store.Error{Code: store.Unavailable}

func (s *shaky) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if s.gone.Load() {
		return store.Read{}, errAway
	}
	return s.Store.Get(ctx, refs)
}

func (s *shaky) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if s.gone.Load() {
		return store.Feed{}, errAway
	}
	return s.Store.Changes(ctx, c)
}

func (s *shaky) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if s.gone.Load() {
		return nil, errAway
	}
	results, err := s.Store.Apply(ctx, b)
	if err == nil && s.vague.Load() {
		return nil, &store.Error{Code: store.Ambiguous}
	}
	return results, err
}

func begin(t *testing.T, s store.Store, instance string, kinds map[string]Kind) *Runner {
	t.Helper()
	r, err := New(Options{Store: s, Instance: instance, Kinds: kinds})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// until waits for an operation to be in a state, as an instance tells it.
func until(t *testing.T, r *Runner, id string, want State) Operation {
	t.Helper()
	for range 2000 {
		op, err := r.Get(t.Context(), id)
		if err == nil && op.State == want {
			return op
		}
		<-time.After(100 * time.Millisecond)
	}
	op, err := r.Get(t.Context(), id)
	t.Fatalf("it is %+v, %v, and not %s", op, err, want)
	return op
}

// counting counts to the number that it is asked for, one a second, and saves where it is.
func counting(ran *atomic.Int64) Kind {
	return func(ctx context.Context, t *Task) (any, error) {
		var to, at int64
		if err := t.Request(&to); err != nil {
			return nil, err
		}
		if _, err := t.Saved(&at); err != nil {
			return nil, err
		}
		for ; at < to && t.ID() != ""; at++ {
			ran.Add(1)
			t.Progress(Progress{Phase: "counting", Done: at, Total: to})
			if err := t.Save(ctx, at+1); err != nil {
				return at, err
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return at, store.AsError(ctx.Err())
			}
		}
		return at, nil
	}
}

// TestOperation has one succeed and one fail, and both be told of by another instance.
func TestOperation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int64
		s := newShaky()
		kinds := map[string]Kind{
			"count": counting(&ran),
			"fail": func(context.Context, *Task) (any, error) {
				return "half", &store.Error{Code: store.StorageFull, Detail: "no room"}
			},
			"panic": func(context.Context, *Task) (any, error) { panic("at the disco") },
		}
		r, other := begin(t, s, "here", kinds), begin(t, s, "there", nil)
		counted, err := r.Start(t.Context(), "count", 5)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(3500 * time.Millisecond)
		if op, err := other.Get(t.Context(), counted.ID); err != nil || op.State != Running || op.Runner != "here" || op.Progress != (Progress{"counting", op.Progress.Done, 5}) || op.Progress.Done < 1 {
			t.Errorf("on its way it is %+v, %v", op, err)
		}
		op := until(t, other, counted.ID, Succeeded)
		if string(op.Result) != "5" || op.EndedAt == nil || op.Runner != "" || ran.Load() != 5 {
			t.Errorf("it is %+v", op)
		}
		failed, err := r.Start(t.Context(), "fail", nil)
		if err != nil {
			t.Fatal(err)
		}
		if op = until(t, other, failed.ID, Failed); op.Failure == nil || *op.Failure != (Failure{store.StorageFull, "no room"}) || string(op.Result) != `"half"` {
			t.Errorf("it is %+v", op)
		}
		panicked, err := r.Start(t.Context(), "panic", nil)
		if err != nil {
			t.Fatal(err)
		}
		if op = until(t, other, panicked.ID, Failed); op.Failure == nil || op.Failure.Code != store.Internal {
			t.Errorf("it is %+v", op)
		}
		if _, err := r.Start(t.Context(), "nothing", nil); !errors.Is(err, store.Unsupported) {
			t.Errorf("what nobody can do is begun: %v", err)
		}
		if op, err := r.Cancel(t.Context(), failed.ID); err != nil || op.State != Failed {
			t.Errorf("canceled, one that has ended is %+v, %v", op, err)
		}
		for _, id := range []string{"none", "", "a\x00"} {
			if _, err := r.Get(t.Context(), id); !errors.Is(err, store.NotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
		first, next, err := other.List(t.Context(), "", 2)
		if err != nil || len(first) != 2 || first[0].ID != panicked.ID || next == "" {
			t.Errorf("the first page is %+v, %q, %v", first, next, err)
		}
		if last, next, err := other.List(t.Context(), next, 2); err != nil || len(last) != 1 || last[0].ID != counted.ID || next != "" {
			t.Errorf("the last page is %+v, %q, %v", last, next, err)
		}
		<-time.After(Keep)
		if all, _, err := other.List(t.Context(), "", 10); err != nil || len(all) != 0 {
			t.Errorf("after a while there are still %+v, %v", all, err)
		}
	})
}

// TestTakeOver has an instance stop, and one lose its store for a while: the other carries
// on from where it was, and the first no longer runs it.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(r *Runner, s *shaky){
		"it stops":        func(r *Runner, _ *shaky) { _ = r.Close() },
		"it is cut off":   func(_ *Runner, s *shaky) { s.gone.Store(true) },
		"it may be a bit": func(_ *Runner, s *shaky) { s.vague.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				model := storetest.NewModel(storetest.ModelOptions{})
				mine := &shaky{Store: model}
				var first, second atomic.Int64
				r := begin(t, mine, "here", map[string]Kind{"count": counting(&first)})
				other := begin(t, model, "there", map[string]Kind{"count": counting(&second)})
				op, err := r.Start(t.Context(), "count", 60)
				if err != nil {
					t.Fatal(err)
				}
				<-time.After(5 * time.Second)
				leave(r, mine)
				op = until(t, other, op.ID, Succeeded)
				if string(op.Result) != "60" {
					t.Errorf("it is %+v", op)
				}
				if name == "it may be a bit" {
					if first.Load() != 60 || second.Load() != 0 {
						t.Errorf("%d and %d were counted", first.Load(), second.Load())
					}
					return
				}
				if ran := first.Load() + second.Load(); second.Load() == 0 || ran < 60 || ran > 62 {
					t.Errorf("%d and %d were counted", first.Load(), second.Load())
				}
			})
		})
	}
}

// TestStoreIsAway has the only instance lose its store for long: the work fails for it, and
// that is kept once the store is back.
func TestStoreIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShaky()
		var ran atomic.Int64
		r := begin(t, s, "here", map[string]Kind{"count": counting(&ran)})
		op, err := r.Start(t.Context(), "count", 20)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second)
		s.gone.Store(true)
		<-time.After(time.Minute)
		s.gone.Store(false)
		if op = until(t, r, op.ID, Failed); op.Failure.Code != store.Unavailable {
			t.Errorf("it is %+v", op)
		}
	})
}

// TestCancel ends an operation through an instance that does not run it, and one that
// nobody runs.
func TestCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShaky()
		var ran atomic.Int64
		kinds := map[string]Kind{"count": counting(&ran)}
		r, other := begin(t, s, "here", kinds), begin(t, s, "there", nil)
		op, err := r.Start(t.Context(), "count", 1000)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second)
		began := time.Now()
		if op, err = other.Cancel(t.Context(), op.ID); err != nil || !op.Ending {
			t.Fatalf("it is %+v, %v", op, err)
		}
		if op = until(t, other, op.ID, Canceled); time.Since(began) > 3*time.Second || op.EndedAt == nil || op.Failure != nil {
			t.Errorf("after %v it is %+v", time.Since(began), op)
		}
		if op, err = r.Start(t.Context(), "count", 1000); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		if _, err := other.Cancel(t.Context(), op.ID); err != nil {
			t.Fatal(err)
		}
		third := begin(t, s, "third", kinds)
		until(t, third, op.ID, Canceled)
	})
}

// TestOnlyOneTakesOver has several instances find the same one at the same time.
func TestOnlyOneTakesOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShaky()
		var ran atomic.Int64
		kinds := map[string]Kind{"once": func(context.Context, *Task) (any, error) { ran.Add(1); return nil, nil }}
		r := begin(t, s, "here", map[string]Kind{"once": func(ctx context.Context, _ *Task) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		op, err := r.Start(t.Context(), "once", nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			begin(t, s, strconv.Itoa(n), kinds)
		}
		_ = r.Close()
		until(t, begin(t, s, "last", nil), op.ID, Succeeded)
		<-time.After(time.Minute)
		if ran.Load() != 1 {
			t.Errorf("it was done %d times", ran.Load())
		}
	})
}
