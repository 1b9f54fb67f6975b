package storetest_test

import (
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

func TestModel(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open:    func(testing.TB) store.Store { return storetest.NewModel(storetest.ModelOptions{}) },
		Without: []storetest.Topic{storetest.IndexPlans},
	})
}

// TestModelWithClock runs what needs a clock that can be advanced.
func TestModelWithClock(t *testing.T) {
	storetest.Run(t, modelWithClock())
}

func modelWithClock() storetest.Harness {
	var clocks sync.Map // of every store
	return storetest.Harness{
		Without: []storetest.Topic{storetest.IndexPlans},
		Open: func(testing.TB) store.Store {
			clock := storetest.NewClock()
			s := storetest.NewModel(storetest.ModelOptions{Clock: clock.Now})
			clocks.Store(s, clock)
			return s
		},
		Advance: func(s store.Store, d time.Duration) {
			clock, _ := clocks.Load(s)
			clock.(*storetest.Clock).Advance(d)
		},
	}
}
