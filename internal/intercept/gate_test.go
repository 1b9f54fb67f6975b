package intercept

import (
	"context"
	"errors"
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
