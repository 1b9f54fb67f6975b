package router_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"larder/internal/router"
	"larder/internal/store"
)

// speaksSQL is a store that counts the statements that it is to run.
type speaksSQL struct {
	store.Store
	ran atomic.Int64
}

func (s *speaksSQL) Info() store.Info {
	info := s.Store.Info()
	info.Capabilities = append(slices.Clone(info.Capabilities), store.CanSQL)
	return info
}

func (s *speaksSQL) RunSQL(context.Context, store.SQLQuery) (store.SQLAnswer, error) {
	s.ran.Add(1)
	return store.SQLAnswer{}, nil
}

// TestStatementsAreHeld has statements that may write wait while tables are moved from or to
// the store that runs them: which tables they write to is not known.
func TestStatementsAreHeld(t *testing.T) {
	t.Parallel()
	a := &speaksSQL{Store: model("a")}
	defer a.Close()
	lanes := []router.Lane{lane("*", lend(a), a)}
	r := newRouter(t, a, lanes...)
	defer r.Close()
	writing := store.SQLQuery{Text: "update", Writes: true}
	for _, tt := range []struct {
		hold  router.Hold
		waits bool
		fails bool
	}{
		{hold: router.Hold{Tables: "t", From: "a", To: "b"}},
		{hold: router.Hold{Tables: "t", From: "b", To: "c", Writes: true}},
		{hold: router.Hold{Tables: "t", From: "a", To: "b", Writes: true}, waits: true},
		{hold: router.Hold{Tables: "t", From: "b", To: "a", Writes: true}, waits: true},
		{hold: router.Hold{Tables: "t", From: "a", To: "b", Trusted: func() bool { return false }}, fails: true},
	} {
		r.Swap(lanes, tt.hold)
		before := a.ran.Load()
		if _, err := r.RunSQL(t.Context(), store.SQLQuery{Text: "select"}); err != nil || a.ran.Load() != before+1 {
			t.Errorf("%+v: a statement that reads: %v", tt, err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := r.RunSQL(t.Context(), writing)
			done <- err
		}()
		if tt.waits {
			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := r.RunSQL(canceled, writing); !errors.Is(err, store.Canceled) || a.ran.Load() != before+1 {
				t.Errorf("%+v: one that may not wait: %v", tt, err)
			}
			r.Swap(lanes)
		}
		if err := <-done; errors.Is(err, store.Unavailable) != tt.fails || (err == nil) == tt.fails {
			t.Errorf("%+v: one that writes: %v", tt, err)
		}
		r.Swap(lanes)
	}
}
