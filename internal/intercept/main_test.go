package intercept_test

import (
	"context"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"larder/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a store without any capability whose calls end as answer says.
type scripted struct {
	store.Store
	answer func(ctx context.Context, n int64) error // n counts the calls from 1
	calls  atomic.Int64
}

func (s *scripted) Info() store.Info { return store.Info{Name: "scripted"} }

func (s *scripted) do(ctx context.Context) error { return s.answer(ctx, s.calls.Add(1)) }

func (s *scripted) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if err := s.do(ctx); err != nil {
		return store.Read{}, err
	}
	return store.Read{Entries: make([]store.Entry, len(refs))}, nil
}

func (s *scripted) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if err := s.do(ctx); err != nil {
		return nil, err
	}
	return make([]store.Result, len(b.Ops)), nil
}

func (s *scripted) Changes(ctx context.Context, _ store.Changes) (store.Feed, error) {
	return store.Feed{Next: "1"}, s.do(ctx)
}

func (s *scripted) Ping(ctx context.Context) error { return s.do(ctx) }

// failing gives an error with the code to the first n calls.
func failing(n int64, code store.Code) func(context.Context, int64) error {
	return func(_ context.Context, call int64) error {
		if call > n {
			return nil
		}
		return &store.Error{Code: code}
	}
}

// always gives every call the same error; nil for no code.
func always(code store.Code) func(context.Context, int64) error {
	if code == "" {
		return func(context.Context, int64) error { return nil }
	}
	return failing(1<<62, code)
}

// stuck answers once the caller's time is over.
func stuck(ctx context.Context, _ int64) error {
	<-ctx.Done()
	return &store.Error{Code: store.CodeOf(ctx.Err()), Err: ctx.Err()}
}

func get(ctx context.Context, s store.Store) error {
	_, err := s.Get(ctx, []store.Ref{{Table: "t", Key: "k"}})
	return err
}

func put(ctx context.Context, s store.Store) error {
	_, err := s.Apply(ctx, store.Batch{Ops: make([]store.Op, 1)})
	return err
}
