package intercept

import (
	"context"
	"sync/atomic"
)

// UnderWay keeps count of the calls under way.
func UnderWay(calls *atomic.Int64) Interceptor {
	return func(next Handler) Handler {
		return func(ctx context.Context, call Call, attempt Attempt) error {
			calls.Add(1)
			defer calls.Add(-1)
			return next(ctx, call, attempt)
		}
	}
}
