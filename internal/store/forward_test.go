package store_test

import (
	"errors"
	"testing"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

// What stands before a store passes the suite as the store does, and offers nothing
// that the store lacks.
func TestForward(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Harness{
		Open: func(testing.TB) store.Store {
			return store.Forward{Store: storetest.NewModel(storetest.ModelOptions{})}
		},
		Without: []storetest.Topic{storetest.IndexPlans}, // the model uses none of its indexes
	})
	model := storetest.NewModel(storetest.ModelOptions{})
	f := store.Forward{Store: model}
	for _, without := range []error{
		func() error { _, err := f.Snapshot(t.Context(), nil); return err }(),
		func() error { _, err := f.Inspect(t.Context()); return err }(),
		func() error { _, err := f.RunSQL(t.Context(), store.SQLQuery{}); return err }(),
	} {
		if !errors.Is(without, store.Unsupported) {
			t.Errorf("what the store lacks gave %v", without)
		}
	}
	if got, want := has(f), has(model); len(got) != len(want) {
		t.Errorf("in front of a store that has %v are %v", want, got)
	}
}
