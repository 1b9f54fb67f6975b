package intercept

import (
	"context"
	"errors"
	"fmt"
	"time"

	"larder/internal/store"
)

// errSlow marks a read that the store was not given more time for, though the caller has
// some.
var errSlow = errors.New("the attempt took too long")

// Timeout bounds each attempt at a brief read, so that there is time left to try again.
// Writes are the caller's to bound: one that is cut off has an outcome that nobody knows.
// 0 bounds nothing.
func Timeout(after time.Duration) Interceptor {
	return func(next Handler) Handler {
		if after <= 0 {
			return next
		}
		return func(ctx context.Context, call Call, attempt Attempt) error {
			if !call.Reads || !call.Brief() {
				return next(ctx, call, attempt)
			}
			bounded, cancel := context.WithTimeout(ctx, after)
			defer cancel()
			err := next(bounded, call, attempt)
			if err == nil || bounded.Err() == nil || ctx.Err() != nil {
				return err
			}
			if e := store.AsError(err); e.Code == store.Timeout {
				return &store.Error{
					Code: store.Timeout, Backend: e.Backend, Ref: e.Ref,
					Detail: fmt.Sprintf("the backend did not answer within %v", after), Err: errors.Join(errSlow, err),
				}
			}
			return err
		}
	}
}
