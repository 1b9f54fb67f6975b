package intercept

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"larder/internal/store"
)

// RetryOptions say how often and when a call is tried again.
type RetryOptions struct {
	Attempts int           // at most, the first included; 0: 3
	Delay    time.Duration // before the second attempt, and twice as long before each later one; 0: 100 ms
	MaxDelay time.Duration // 0: 10 s
	Jitter   float64       // the part of a delay that it may be shorter or longer by; 0: none
}

// Retry tries calls again that failed in a way that may pass, and can do no harm again:
//
//   - whose error is Unavailable, which says that nothing was written;
//   - reads that Timeout ended, while the caller has time left.
//
// So never what is Ambiguous. Nor what is Busy, which says so too: it is for the store to
// repeat what others got in the way of, for it knows when they have gone, and it has done so
// before it says that. Nor what Breaker, Limit or Bulkhead refused: they are there
// to have less done. It does not go on past the caller's deadline, and fails at once where
// the next attempt would lie beyond it.
//
// No more than a tenth of the calls is tried again, beside those of a reserve: as in the
// Site Reliability Engineering book, "Handling Overload", and Finagle's RetryBudget. Where
// much fails, trying again makes more of it.
type Retry struct {
	options RetryOptions
	budget  budget
	retries atomic.Uint64
}

// NewRetry makes one for the calls to one store.
func NewRetry(o RetryOptions) *Retry {
	o.Attempts = cmp.Or(o.Attempts, 3)
	o.Delay = cmp.Or(o.Delay, 100*time.Millisecond)
	o.MaxDelay = cmp.Or(o.MaxDelay, 10*time.Second)
	r := &Retry{options: o}
	r.budget.tenths.Store(reserve)
	return r
}

// Retries is how many attempts there were beyond the first of each call.
func (r *Retry) Retries() uint64 { return r.retries.Load() }

// Intercept is an Interceptor.
func (r *Retry) Intercept(next Handler) Handler {
	return func(ctx context.Context, call Call, attempt Attempt) error {
		if !call.Repeatable {
			return next(ctx, call, attempt)
		}
		r.budget.add()
		err := next(ctx, call, attempt)
		for n := 1; err != nil && n < r.options.Attempts && mayRepeat(call, err); n++ {
			if !r.pause(ctx, n) {
				break
			}
			r.retries.Add(1)
			call.Began = time.Time{}
			err = next(ctx, call, attempt)
		}
		return err
	}
}

// mayRepeat says whether a call can be made again after an error.
func mayRepeat(call Call, err error) bool {
	switch store.CodeOf(err) {
	case store.Unavailable:
		return !isRefusal(err)
	case store.Timeout:
		return call.Reads && errors.Is(err, errSlow)
	default:
		return false
	}
}

// pause waits before another attempt, and says whether there is one to make.
func (r *Retry) pause(ctx context.Context, attempts int) bool {
	delay := r.delay(attempts)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return false
	}
	if ctx.Err() != nil || !r.budget.take() {
		return false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		r.budget.giveBack()
		return false
	}
}

// delay is how long to wait after so many attempts.
func (r *Retry) delay(attempts int) time.Duration {
	delay := r.options.Delay
	for n := 1; n < attempts && delay < r.options.MaxDelay; n++ {
		delay *= 2
	}
	delay = min(delay, r.options.MaxDelay)
	return time.Duration(float64(delay) * (1 + r.options.Jitter*(2*rand.Float64()-1)))
}
