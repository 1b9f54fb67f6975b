package intercept_test

import (
	"testing"

	"larder/internal/intercept"
	"larder/internal/store"
)

// BenchmarkGuard has a read go through each of those that stand before a backend alone, and
// through all of them, beside the bare store.
func BenchmarkGuard(b *testing.B) {
	metrics := intercept.Metrics(func(intercept.Operation) intercept.Observer { return &counted{} })
	limit := intercept.NewLimit(intercept.LimitOptions{})
	for _, of := range []struct {
		name  string
		store store.Store
	}{
		{"bare", quick{}},
		{"trace", intercept.Wrap(quick{}, intercept.Trace("pg"))},
		{"metrics", intercept.Wrap(quick{}, metrics)},
		{"measured", intercept.Measure(quick{}, func(intercept.Operation) intercept.Observer { return &counted{} })},
		{"retry", intercept.Wrap(quick{}, intercept.NewRetry(intercept.RetryOptions{}).Intercept)},
		{"breaker", intercept.Wrap(quick{}, intercept.NewBreaker(intercept.BreakerOptions{}).Intercept)},
		{"limit", intercept.Wrap(quick{}, limit.Intercept)},
		{"bulkhead", intercept.Wrap(quick{}, intercept.NewBulkhead(intercept.BulkheadOptions{}).Intercept)},
		{"all", guarded()},
	} {
		b.Run(of.name, func(b *testing.B) {
			refs, ctx := make([]store.Ref, 1), b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := of.store.Get(ctx, refs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
