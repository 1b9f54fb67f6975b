package intercept

import (
	"cmp"
	"context"
	"sync/atomic"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"

	"larder/internal/store"
)

// LimitOptions bound the limit.
type LimitOptions struct {
	Backend string // named in errors
	Min     int    // 0: 256
	Max     int    // 0: 8,000; where it begins too
}

// Limit sheds at once what is more than a store can do. How much that is it learns from
// how long calls take: where they take longer than they used to, and more of them at once
// do not get more done, the limit goes down, else up again. It is failsafe-go's adaptive
// limiter, after TCP Vegas and Netflix's concurrency limits.
//
// A store that does together what arrives together gets more done the more there is at
// once, so Min is not to be less than what it gathers.
type Limit struct {
	options LimitOptions
	limiter adaptivelimiter.AdaptiveLimiter[any]
	shed    atomic.Uint64
}

// NewLimit makes one for one store.
func NewLimit(o LimitOptions) *Limit {
	o.Min = cmp.Or(o.Min, 256)
	o.Max = max(cmp.Or(o.Max, 8000), o.Min)
	most := uint(o.Max)
	return &Limit{options: o, limiter: adaptivelimiter.NewBuilder[any]().
		WithLimits(uint(o.Min), most, most).
		WithMaxLimitFunc(func(int) float64 { return float64(most) }). // that little is asked for is no sign of what could be
		Build()}
}

// Shed is how many calls were refused.
func (l *Limit) Shed() uint64 { return l.shed.Load() }

// Limit is how many calls are let through at once as things are.
func (l *Limit) Limit() int { return l.limiter.Limit() }

const limitRefusal refusal = "more calls at once than the limit"

// Intercept is an Interceptor.
func (l *Limit) Intercept(next Handler) Handler {
	return func(ctx context.Context, call Call, attempt Attempt) error {
		if !call.Limited() {
			return next(ctx, call, attempt)
		}
		permit, ok := l.limiter.TryAcquirePermit()
		if !ok {
			l.shed.Add(1)
			return refuse(l.options.Backend, "the backend has more to do than it can; nothing was done", limitRefusal)
		}
		took := false
		defer func() {
			if took {
				permit.Record()
			} else {
				permit.Drop()
			}
		}()
		err := next(ctx, call, attempt)
		took = tellsTime(err)
		return err
	}
}

// tellsTime says whether the time that a call took is one that the store takes. What was
// refused, or given up by the caller, took less.
func tellsTime(err error) bool {
	switch store.CodeOf(err) {
	case store.Unavailable, store.Canceled, store.Internal:
		return false
	default:
		return true
	}
}
