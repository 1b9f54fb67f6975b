package storetest_test

import (
	"testing"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

func TestModel(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open:    func(testing.TB) store.Store { return storetest.NewModel(storetest.ModelOptions{}) },
		Beside:  func(_ testing.TB, s store.Store) store.Store { return s.(*storetest.Model).Beside() },
		Without: []storetest.Topic{storetest.IndexPlans},
	})
}

// TestModelWithClock runs what needs a clock that can be advanced.
func TestModelWithClock(t *testing.T) {
	storetest.Run(t, storetest.ModelHarness())
}
