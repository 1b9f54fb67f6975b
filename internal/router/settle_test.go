package router_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"larder/internal/router"
	"larder/internal/store"
)

// polled is a strategy that tells when somebody waits for its changes.
type polled struct {
	store.Store
	waits chan struct{}
}

func (p polled) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if c.Wait > 0 {
		p.waits <- struct{}{}
	}
	return p.Store.Changes(ctx, c)
}

// TestSettle swaps lanes while a client waits for changes, which holds up nothing, and sees
// the change that comes later.
func TestSettle(t *testing.T) {
	t.Parallel()
	a := model("a")
	waits := make(chan struct{}, 10)
	strategy := func() router.Lane { return lane("*", polled{lend(a), waits}, a) }
	r := newRouter(t, a, strategy())
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), a.Close()); err != nil {
			t.Error(err)
		}
	})
	since, err := r.Changes(t.Context(), store.Changes{Table: "users", FromNow: true})
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		feed store.Feed
		err  error
	}
	came := make(chan answer, 1)
	go func() {
		feed, err := r.Changes(context.WithoutCancel(t.Context()), store.Changes{Table: "users", Since: since.Next, Wait: patience})
		came <- answer{feed, err}
	}()
	<-waits
	began := time.Now()
	for range 3 {
		r.Swap([]router.Lane{strategy()})
		r.Settle()
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %v to settle", took)
	}
	if _, err := r.Apply(t.Context(), store.Batch{Ops: []store.Op{put("users", "1")}}); err != nil {
		t.Fatal(err)
	}
	if got := <-came; got.err != nil || len(got.feed.Changes) != 1 {
		t.Errorf("the client got %+v, %v", got.feed, got.err)
	}
}
