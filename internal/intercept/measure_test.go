package intercept_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/intercept"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// TestMeasureCountsEveryCallOnce has every call succeed and fail, each taking a second.
func TestMeasureCountsEveryCallOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		observers := make(map[intercept.Operation]*counted)
		inner := &able{able: all}
		w := intercept.Measure(inner, func(o intercept.Operation) intercept.Observer {
			if observers[o] == nil {
				observers[o] = &counted{}
			}
			return observers[o]
		}).(everything)
		for operation, call := range calls(w) {
			for _, code := range []store.Code{"", store.NotFound, store.Unavailable} {
				inner.answer = func(ctx context.Context, n int64) error {
					<-time.After(time.Second)
					return always(code)(ctx, n)
				}
				if err := call(t.Context()); store.CodeOf(err) != code {
					t.Errorf("%v gives %v, not %q", operation, err, code)
				}
			}
			if got := observers[operation]; got.calls != 3 || got.failed != 1 || got.took != 3*time.Second {
				t.Errorf("of %v is counted: %d calls, %d failed, %v", operation, got.calls, got.failed, got.took)
			}
		}
	})
}

// TestMeasuredStore holds one to the suite.
func TestMeasuredStore(t *testing.T) {
	storetest.Run(t, harnessOf(func(s store.Store) store.Store {
		return intercept.Measure(s, func(intercept.Operation) intercept.Observer { return &counted{} })
	}))
}

// TestMeasureAllocatesNothing: what is hot goes through it.
func TestMeasureAllocatesNothing(t *testing.T) {
	s := intercept.Measure(quick{}, func(intercept.Operation) intercept.Observer { return &counted{} })
	refs := make([]store.Ref, 1)
	if allocs := testing.AllocsPerRun(1000, func() {
		if _, err := s.Get(t.Context(), refs); err != nil {
			t.Error(err)
		}
	}); allocs > 0 {
		t.Errorf("%.1f allocations", allocs)
	}
}
