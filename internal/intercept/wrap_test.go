package intercept_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/intercept"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// able has every capability and does nothing.
type able struct {
	scripted
	able []store.Capability
}

func (a *able) Info() store.Info { return store.Info{Name: "able", Capabilities: a.able} }

func (a *able) Scan(ctx context.Context, _ store.Scan) (store.Page, error) {
	return store.Page{}, a.do(ctx)
}

func (a *able) Install(ctx context.Context, _ []store.Entry) error { return a.do(ctx) }

func (a *able) Tables(ctx context.Context) ([]store.TableInfo, error) { return nil, a.do(ctx) }

func (a *able) Search(ctx context.Context, _ store.Query) (store.Found, error) {
	return store.Found{}, a.do(ctx)
}

func (a *able) Count(ctx context.Context, _ store.Query) (store.Counted, error) {
	return store.Counted{Count: 3}, a.do(ctx)
}

func (a *able) Indexes(ctx context.Context, _ string) ([]store.Index, error) { return nil, a.do(ctx) }

func (a *able) PutIndex(ctx context.Context, _ string, _ store.Index) (bool, error) {
	return true, a.do(ctx)
}

func (a *able) DropIndex(ctx context.Context, _, _ string) error { return a.do(ctx) }

func (a *able) Snapshot(ctx context.Context, _ io.Writer) (int64, error) { return 9, a.do(ctx) }

func (a *able) Maintains(action store.Action) bool { return action == store.Flush }

func (a *able) Maintain(ctx context.Context, _ store.Maintenance) error { return a.do(ctx) }

func (a *able) Inspect(ctx context.Context) (store.Inspection, error) {
	return store.Inspection{Durability: "none"}, a.do(ctx)
}

func (a *able) RunSQL(ctx context.Context, _ store.SQLQuery) (store.SQLAnswer, error) {
	return store.SQLAnswer{Count: 4}, a.do(ctx)
}

func (a *able) Publish(ctx context.Context, _ string, _ []byte) error { return a.do(ctx) }

func (a *able) Subscribe(ctx context.Context, _ string) (store.Subscription, error) {
	return nil, a.do(ctx)
}

func (a *able) Look(ctx context.Context, _ string, _ store.Ref, _ time.Duration) (store.Copy, store.Sight, error) {
	return store.Copy{Horizon: 5}, store.Held, a.do(ctx)
}

func (a *able) Keep(ctx context.Context, _ string, _ []store.Copy) error { return a.do(ctx) }

func (a *able) Drop(ctx context.Context, _ string) error { return a.do(ctx) }

var all = []store.Capability{
	store.CanSearch, store.CanIndex, store.CanSnapshot, store.CanMaintain, store.CanInspect, store.CanSQL, store.CanPubSub, store.CanCache,
}

// everything are the methods that go through the chain, by the operation that they are.
type everything interface {
	store.Store
	store.Searcher
	store.Indexer
	store.Snapshotter
	store.Maintainer
	store.Inspector
	store.SQLRunner
	store.PubSub
	store.Cacher
}

func calls(s everything) map[intercept.Operation]func(context.Context) error {
	return map[intercept.Operation]func(context.Context) error{
		intercept.Get:       func(ctx context.Context) error { return get(ctx, s) },
		intercept.Apply:     func(ctx context.Context) error { return put(ctx, s) },
		intercept.Scan:      func(ctx context.Context) error { _, err := s.Scan(ctx, store.Scan{}); return err },
		intercept.Changes:   func(ctx context.Context) error { _, err := s.Changes(ctx, store.Changes{}); return err },
		intercept.Install:   func(ctx context.Context) error { return s.Install(ctx, nil) },
		intercept.Tables:    func(ctx context.Context) error { _, err := s.Tables(ctx); return err },
		intercept.Ping:      s.Ping,
		intercept.Search:    func(ctx context.Context) error { _, err := s.Search(ctx, store.Query{}); return err },
		intercept.Count:     func(ctx context.Context) error { _, err := s.Count(ctx, store.Query{}); return err },
		intercept.Indexes:   func(ctx context.Context) error { _, err := s.Indexes(ctx, "t"); return err },
		intercept.PutIndex:  func(ctx context.Context) error { _, err := s.PutIndex(ctx, "t", store.Index{}); return err },
		intercept.DropIndex: func(ctx context.Context) error { return s.DropIndex(ctx, "t", "i") },
		intercept.Snapshot:  func(ctx context.Context) error { _, err := s.Snapshot(ctx, io.Discard); return err },
		intercept.Maintain:  func(ctx context.Context) error { return s.Maintain(ctx, store.Maintenance{}) },
		intercept.Inspect:   func(ctx context.Context) error { _, err := s.Inspect(ctx); return err },
		intercept.SQL:       func(ctx context.Context) error { _, err := s.RunSQL(ctx, store.SQLQuery{}); return err },
		intercept.Publish:   func(ctx context.Context) error { return s.Publish(ctx, "c", nil) },
		intercept.Subscribe: func(ctx context.Context) error { _, err := s.Subscribe(ctx, "c"); return err },
		intercept.Look:      func(ctx context.Context) error { _, _, err := s.Look(ctx, "s", store.Ref{}, 0); return err },
		intercept.Keep:      func(ctx context.Context) error { return s.Keep(ctx, "s", nil) },
		intercept.Drop:      func(ctx context.Context) error { return s.Drop(ctx, "s") },
	}
}

func TestEveryCallGoesThroughTheChain(t *testing.T) {
	t.Parallel()
	inner := &able{able: all}
	inner.answer = always("")
	w := intercept.Wrap(inner, intercept.Trace("outer"), intercept.Trace("inner")).(everything)
	for operation, call := range calls(w) {
		ctx := store.WithTrace(t.Context(), store.NewTrace(time.Now()))
		for _, code := range []store.Code{"", store.Unavailable, store.NotFound} {
			inner.answer = always(code)
			if err := call(ctx); store.CodeOf(err) != code {
				t.Errorf("%v gives %v, not %q", operation, err, code)
			}
		}
		var seen []string
		for _, s := range spans(ctx) {
			seen = append(seen, s.Name+" "+s.Operation)
		}
		want := []string{"outer " + operation.String(), "inner " + operation.String()}
		if !slices.Equal(seen, slices.Repeat(want, 3)) {
			t.Errorf("%v went through %v", operation, seen)
		}
	}
	if got := inner.calls.Load(); got != int64(3*len(calls(w))) {
		t.Errorf("the store was called %d times", got)
	}
}

func TestResultsComeBack(t *testing.T) {
	t.Parallel()
	inner := &able{able: all}
	inner.answer = always("")
	w := intercept.Wrap(inner, chain()...).(everything)
	ctx := t.Context()
	if read, err := w.Get(ctx, make([]store.Ref, 2)); err != nil || len(read.Entries) != 2 {
		t.Errorf("get: %+v, %v", read, err)
	}
	if results, err := w.Apply(ctx, store.Batch{Ops: make([]store.Op, 3)}); err != nil || len(results) != 3 {
		t.Errorf("apply: %+v, %v", results, err)
	}
	if counted, err := w.Count(ctx, store.Query{}); err != nil || counted.Count != 3 {
		t.Errorf("count: %+v, %v", counted, err)
	}
	if made, err := w.PutIndex(ctx, "t", store.Index{}); err != nil || !made {
		t.Errorf("put index: %v, %v", made, err)
	}
	if size, err := w.Snapshot(ctx, io.Discard); err != nil || size != 9 {
		t.Errorf("snapshot: %d, %v", size, err)
	}
	if found, err := w.Inspect(ctx); err != nil || found.Durability != "none" {
		t.Errorf("inspect: %+v, %v", found, err)
	}
	if c, sight, err := w.Look(ctx, "s", store.Ref{}, 0); err != nil || sight != store.Held || c.Horizon != 5 {
		t.Errorf("look: %+v, %v, %v", c, sight, err)
	}
	if !w.Maintains(store.Flush) || w.Maintains(store.Vacuum) {
		t.Error("it does not say what the store maintains")
	}
}

// TestWhatTheStoreLacksIsNotOffered has a store with each capability alone.
func TestWhatTheStoreLacksIsNotOffered(t *testing.T) {
	t.Parallel()
	offers := map[store.Capability]func(store.Store) bool{
		store.CanSearch: offered[store.Searcher], store.CanIndex: offered[store.Indexer], store.CanSnapshot: offered[store.Snapshotter],
		store.CanMaintain: offered[store.Maintainer], store.CanInspect: offered[store.Inspector], store.CanSQL: offered[store.SQLRunner],
		store.CanPubSub: offered[store.PubSub], store.CanCache: offered[store.Cacher],
	}
	for _, one := range all {
		inner := &able{able: []store.Capability{one}}
		inner.answer = always("")
		w := intercept.Wrap(inner, chain()...)
		for capability, is := range offers {
			if is(w) != (capability == one) {
				t.Errorf("over a store that has %s, %s is offered: %v", one, capability, is(w))
			}
		}
	}
	none := &able{}
	none.answer = always("")
	w := intercept.Wrap(none, chain()...).(everything)
	for operation, call := range calls(w) {
		err := call(t.Context())
		if basic := operation <= intercept.Ping; basic != (err == nil) || !basic && !errors.Is(err, store.Unsupported) {
			t.Errorf("%v of a store without capabilities gives %v", operation, err)
		}
	}
	if w.Maintains(store.Flush) {
		t.Error("a store that can't be maintained is said to be")
	}
}

func offered[C any](s store.Store) bool {
	_, ok := store.As[C](s)
	return ok
}

func TestOperationsHaveNames(t *testing.T) {
	t.Parallel()
	var names []string
	for operation := range calls(&able{}) {
		names = append(names, operation.String())
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(names) || names[0] == "" || strings.ContainsRune(strings.Join(names, ""), '%') {
		t.Errorf("operations are named %q", names)
	}
}

func TestNothingIsPutBeforeAStoreWithoutAChain(t *testing.T) {
	t.Parallel()
	model := storetest.NewModel(storetest.ModelOptions{})
	if s := intercept.Wrap(model); s != store.Store(model) {
		t.Errorf("got %T", s)
	}
}

// quick is a store that costs nothing.
type quick struct{ store.Store }

func (quick) Get(context.Context, []store.Ref) (store.Read, error) { return store.Read{}, nil }

// guarded is quick behind what stands before backends.
func guarded() store.Store {
	return intercept.Wrap(
		quick{},
		intercept.Metrics(func(intercept.Operation) intercept.Observer { return &counted{} }),
		intercept.NewRetry(intercept.RetryOptions{}).Intercept,
		intercept.Trace("quick"),
		intercept.NewBreaker(intercept.BreakerOptions{}).Intercept,
		intercept.NewLimit(intercept.LimitOptions{}).Intercept,
		intercept.NewBulkhead(intercept.BulkheadOptions{}).Intercept,
	)
}

// TestGetAllocatesLittle holds a read through all that stands before a backend to one
// allocation: what is read goes back through it.
func TestGetAllocatesLittle(t *testing.T) {
	s, refs := guarded(), make([]store.Ref, 1)
	if allocs := testing.AllocsPerRun(1000, func() {
		if _, err := s.Get(t.Context(), refs); err != nil {
			t.Error(err)
		}
	}); allocs > 1 {
		t.Errorf("%.1f allocations", allocs)
	}
}

func BenchmarkGet(b *testing.B) {
	s, refs, ctx := guarded(), make([]store.Ref, 1), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Get(ctx, refs); err != nil {
			b.Fatal(err)
		}
	}
}
