package intercept_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/intercept"
	"larder/internal/store"
)

func TestTimeoutLeavesTimeToTryAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{answer: func(ctx context.Context, n int64) error {
			if n == 1 {
				return stuck(ctx, n)
			}
			return nil
		}}
		w := intercept.Wrap(inner, intercept.NewRetry(intercept.RetryOptions{}).Intercept, intercept.Timeout(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		if err := get(ctx, w); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 1100*time.Millisecond || inner.calls.Load() != 2 {
			t.Errorf("%d attempts in %v", inner.calls.Load(), took)
		}
	})
}

// TestTimeoutIsForBriefReads: how long anything else takes is the caller's to say.
func TestTimeoutIsForBriefReads(t *testing.T) {
	t.Parallel()
	bounded := map[intercept.Operation]bool{
		intercept.Get: true, intercept.Scan: true, intercept.Changes: true, intercept.Tables: true, intercept.Indexes: true, intercept.Look: true,
	}
	synctest.Test(t, func(t *testing.T) {
		inner := &able{able: all}
		inner.answer = stuck
		w := intercept.Wrap(inner, intercept.Timeout(time.Second)).(everything)
		for operation, call := range calls(w) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			began := time.Now()
			if err := call(ctx); !errors.Is(err, store.Timeout) {
				t.Errorf("%v gives %v", operation, err)
			}
			want := time.Minute
			if bounded[operation] {
				want = time.Second
			}
			if took := time.Since(began); took != want {
				t.Errorf("%v took %v, not %v", operation, took, want)
			}
			cancel()
		}
	})
}

func TestCallersDeadlineIsNoSlowAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{answer: stuck}
		w := intercept.Wrap(inner, intercept.NewRetry(intercept.RetryOptions{Delay: time.Millisecond}).Intercept, intercept.Timeout(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := get(ctx, w); !errors.Is(err, store.Timeout) || inner.calls.Load() != 1 {
			t.Errorf("%d attempts, %v", inner.calls.Load(), err)
		}
	})
}
