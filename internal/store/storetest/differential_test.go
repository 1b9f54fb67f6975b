package storetest_test

import (
	"testing"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

func TestDifferential(t *testing.T) {
	storetest.Differential(t, storetest.ModelHarness(), storetest.Random{Runs: 5})
}

func TestDifferentialByRealClock(t *testing.T) {
	storetest.Differential(t, storetest.Harness{
		Open: func(testing.TB) store.Store { return storetest.NewModel(storetest.ModelOptions{}) },
	}, storetest.Random{Runs: 5})
}

func TestLinearizable(t *testing.T) {
	storetest.Linearizable(t, storetest.ModelHarness(), storetest.Random{Runs: 3})
}
