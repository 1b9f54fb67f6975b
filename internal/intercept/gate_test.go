package intercept

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

// TestGate refuses all while there is a reason, without the store being asked.
func TestGate(t *testing.T) {
	t.Parallel()
	reason, asked := "", 0
	count := func(next Handler) Handler {
		return func(ctx context.Context, call Call, attempt Attempt) error {
			asked++
			return next(ctx, call, attempt)
		}
	}
	s := Wrap(storetest.NewModel(storetest.ModelOptions{}), Gate("pg", func() string { return reason }), count)
	if err := s.Ping(t.Context()); err != nil || asked != 1 {
		t.Errorf("open, it was asked %d times: %v", asked, err)
	}
	reason = "its place was taken"
	err := s.Ping(t.Context())
	if told := store.AsError(err); !errors.Is(err, store.Unavailable) || told.Detail != reason || told.Backend != "pg" || asked != 1 {
		t.Errorf("closed, it was asked %d times: %v", asked, err)
	}
}

// TestDrain refuses reads, and lets through what keeps the store up and who asks how it is.
func TestDrain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	drains := true
	s := Wrap(storetest.NewModel(storetest.ModelOptions{}), UnderWay(&calls), Drain("hot", func() bool { return drains }))
	if _, err := s.Get(t.Context(), nil); !errors.Is(err, store.Unavailable) {
		t.Errorf("a read: %v", err)
	}
	if err := s.Install(t.Context(), nil); err != nil {
		t.Errorf("an entry to install: %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("a ping: %v", err)
	}
	drains = false
	if _, err := s.Get(t.Context(), nil); err != nil || calls.Load() != 0 {
		t.Errorf("a read: %v, with %d calls under way afterwards", err, calls.Load())
	}
}
