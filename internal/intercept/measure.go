package intercept

import (
	"context"
	"time"

	"larder/internal/store"
)

// Measure is Wrap with Metrics alone, for a store that answers from memory: a read of
// entries, or a batch, costs two looks at the clock and what the observer takes.
func Measure(s store.Store, observer func(Operation) Observer) store.Store {
	w := Wrap(s, Metrics(observer)).(*wrapped)
	return &measured{wrapped: w, gets: observer(Get), applies: observer(Apply)}
}

// loaded is a moment to count from: that takes one look at the clock, and time.Now two.
var loaded = time.Now() //nolint:gochecknoglobals // a point in time

type measured struct {
	*wrapped
	gets, applies Observer
}

var _ store.Store = (*measured)(nil)

func (m *measured) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	began := time.Since(loaded)
	read, err := m.Store.Get(ctx, refs)
	m.gets.Observe(time.Since(loaded)-began, failureOf(err))
	return read, err
}

func (m *measured) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	began := time.Since(loaded)
	results, err := m.Store.Apply(ctx, b)
	m.applies.Observe(time.Since(loaded)-began, failureOf(err))
	return results, err
}
