package intercept

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"larder/internal/store"
)

// BulkheadOptions bound the calls to one store.
type BulkheadOptions struct {
	Backend string        // named in errors
	Calls   int           // how many at once; 0: 4,000
	Wait    time.Duration // how long others wait for one of those to end; 0: 100 ms
}

// Bulkhead keeps one store that does not answer from holding all that the gateway has.
// What waits for changes, or takes long, is not counted.
type Bulkhead struct {
	options BulkheadOptions
	places  *places
	shed    atomic.Uint64
}

// NewBulkhead makes one for one store.
func NewBulkhead(o BulkheadOptions) *Bulkhead {
	o.Calls = cmp.Or(o.Calls, 4000)
	o.Wait = cmp.Or(o.Wait, 100*time.Millisecond)
	return &Bulkhead{options: o, places: newPlaces(o.Calls)}
}

// Shed is how many calls were refused.
func (b *Bulkhead) Shed() uint64 { return b.shed.Load() }

const fullRefusal refusal = "as many calls are under way as may be at once"

// Intercept is an Interceptor.
func (b *Bulkhead) Intercept(next Handler) Handler {
	return func(ctx context.Context, call Call, attempt Attempt) error {
		if !call.Limited() {
			return next(ctx, call, attempt)
		}
		if !b.places.try() {
			if err := b.wait(ctx); err != nil {
				return err
			}
		}
		defer b.places.leave()
		return next(ctx, call, attempt)
	}
}

func (b *Bulkhead) wait(ctx context.Context) error {
	taken, err := b.places.wait(ctx, b.options.Wait)
	switch {
	case taken:
		return nil
	case err == nil:
		b.shed.Add(1)
		return refuse(b.options.Backend, "the backend does as much at once as it may; nothing was done", fullRefusal)
	default:
		return &store.Error{Code: store.CodeOf(err), Backend: b.options.Backend, Detail: "the request ended before the backend had room for it; nothing was done", Err: err}
	}
}
