package storetest_test

import (
	"testing"

	"larder/internal/store/storetest"
)

func TestSlotted(t *testing.T) {
	storetest.Run(t, storetest.SlottedHarness())
}

func TestSlottedRandomOperations(t *testing.T) {
	storetest.Differential(t, storetest.SlottedHarness(), storetest.Random{Runs: 5})
}

func TestSlottedLinearizable(t *testing.T) {
	storetest.Linearizable(t, storetest.SlottedHarness(), storetest.Random{Runs: 3})
}

func TestSlottedEvaluated(t *testing.T) {
	storetest.Evaluated(t, storetest.SlottedHarness(), storetest.Random{Steps: 150, Runs: 2})
}
