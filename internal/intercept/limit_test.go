package intercept_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/intercept"
	"larder/internal/store"
)

// held has so many calls under way at once that only end when they are let go, and gives
// how many were refused meanwhile.
func held(t *testing.T, inner *scripted, s store.Store, call func(context.Context, store.Store) error, clients int) (refused int64) {
	t.Helper()
	release := make(chan struct{})
	inner.answer = func(context.Context, int64) error { <-release; return nil }
	var failed atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if err := call(t.Context(), s); errors.Is(err, store.Unavailable) {
				failed.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Wait()
	refused = failed.Load()
	close(release)
	all.Wait()
	return refused
}

// waitForChanges is no load.
func waitForChanges(ctx context.Context, s store.Store) error {
	_, err := s.Changes(ctx, store.Changes{Wait: time.Second})
	return err
}

func TestLimitShedsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{}
		limit := intercept.NewLimit(intercept.LimitOptions{Min: 10, Max: 20})
		w := intercept.Wrap(inner, limit.Intercept)
		began := time.Now()
		if refused := held(t, inner, w, get, 30); refused != 10 || limit.Shed() != 10 {
			t.Errorf("%d of 30 are refused, %d counted", refused, limit.Shed())
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		if refused := held(t, inner, w, put, 20); refused != 0 {
			t.Errorf("%d of 20 are refused, after the others have gone", refused)
		}
		if refused := held(t, inner, w, waitForChanges, 100); refused != 0 {
			t.Errorf("%d of those that wait for changes are refused", refused)
		}
	})
}

// TestLimitLearns has a store that does four calls at once, so that more of them only wait
// for each other, and then as many as come.
func TestLimitLearns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const work, most = 10 * time.Millisecond, 400
		places := make(chan struct{}, 4)
		inner := &scripted{answer: func(context.Context, int64) error {
			places <- struct{}{}
			<-time.After(work)
			<-places
			return nil
		}}
		limit := intercept.NewLimit(intercept.LimitOptions{Min: 10, Max: most})
		w := intercept.Wrap(inner, limit.Intercept)
		load := func(clients int, lasts time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), lasts)
			defer cancel()
			var all sync.WaitGroup
			for range clients {
				all.Go(func() {
					for ctx.Err() == nil {
						if err := get(t.Context(), w); err != nil {
							<-time.After(work)
						}
					}
				})
			}
			all.Wait()
		}
		for clients := 2; clients <= 300; clients += 2 { // more and more
			load(clients, 1500*time.Millisecond)
		}
		learnt := limit.Limit()
		if learnt >= most {
			t.Errorf("under ever more load the limit stays at %d", learnt)
		}
		if limit.Shed() == 0 && learnt < 300 {
			t.Error("nothing was shed")
		}
		inner.answer = func(context.Context, int64) error { <-time.After(work); return nil }
		load(8, 2*time.Minute)
		if limit.Limit() <= learnt {
			t.Errorf("with an idle store the limit is %d, after %d", limit.Limit(), learnt)
		}
	})
}

func TestBulkheadHoldsSomeAndRefusesOthersAfterMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{answer: func(context.Context, int64) error { <-time.After(time.Second); return nil }}
		bulkhead := intercept.NewBulkhead(intercept.BulkheadOptions{Backend: "pg", Calls: 5, Wait: 100 * time.Millisecond})
		w := intercept.Wrap(inner, bulkhead.Intercept)
		var done, refused atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				began := time.Now()
				switch err := get(t.Context(), w); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, store.Unavailable) && store.AsError(err).Backend == "pg" && time.Since(began) == 100*time.Millisecond:
					refused.Add(1)
				default:
					t.Errorf("after %v: %v", time.Since(began), err)
				}
			})
		}
		synctest.Wait()
		gone, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer leave()
		if err := get(gone, w); !errors.Is(err, store.Timeout) {
			t.Errorf("who can't wait that long is told %v", err)
		}
		all.Wait()
		if done.Load() != 5 || refused.Load() != 3 || bulkhead.Shed() != 3 {
			t.Errorf("%d were done, %d refused, %d counted", done.Load(), refused.Load(), bulkhead.Shed())
		}
		if refused := held(t, inner, w, waitForChanges, 100); refused != 0 {
			t.Errorf("%d of those that wait for changes are refused", refused)
		}
	})
}

// TestBulkheadLetsInWhoWaited: a place that comes free in time is taken.
func TestBulkheadLetsInWhoWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{answer: func(context.Context, int64) error { <-time.After(60 * time.Millisecond); return nil }}
		w := intercept.Wrap(inner, intercept.NewBulkhead(intercept.BulkheadOptions{Calls: 1}).Intercept)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if err := get(t.Context(), w); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// TestPanicsFreePlaces: whatever happens in a store, its place is free afterwards.
func TestPanicsFreePlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{answer: func(context.Context, int64) error { panic("a fault in the store") }}
		w := intercept.Wrap(
			inner,
			intercept.NewLimit(intercept.LimitOptions{Min: 1, Max: 1}).Intercept,
			intercept.NewBulkhead(intercept.BulkheadOptions{Calls: 1}).Intercept,
		)
		func() {
			defer func() { _ = recover() }()
			_ = get(t.Context(), w)
			t.Error("the panic is gone")
		}()
		inner.answer = always("")
		if err := get(t.Context(), w); err != nil {
			t.Error(err)
		}
	})
}

// TestCopiesAreNotLimited looks for more copies at once than there may be calls.
func TestCopiesAreNotLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &able{able: all}
		limit := intercept.NewLimit(intercept.LimitOptions{Min: 2, Max: 2})
		bulkhead := intercept.NewBulkhead(intercept.BulkheadOptions{Calls: 2})
		w := intercept.Wrap(inner, limit.Intercept, bulkhead.Intercept).(everything)
		look := func(ctx context.Context, _ store.Store) error {
			_, _, err := w.Look(ctx, "s", store.Ref{}, 0)
			return err
		}
		keep := func(ctx context.Context, _ store.Store) error { return w.Keep(ctx, "s", nil) }
		for _, call := range []func(context.Context, store.Store) error{look, keep} {
			if refused := held(t, &inner.scripted, w, call, 10); refused != 0 || limit.Shed()+bulkhead.Shed() != 0 {
				t.Errorf("%d of 10 are refused", refused)
			}
		}
		if refused := held(t, &inner.scripted, w, get, 10); refused != 8 {
			t.Errorf("%d of 10 reads of entries are refused", refused)
		}
	})
}
