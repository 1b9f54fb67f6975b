package combinations_test

import (
	"os"
	"testing"

	"larder/internal/store/storetest"
)

func TestStore(t *testing.T) {
	for _, c := range combinations(t) {
		t.Run(c.String(), func(t *testing.T) { storetest.Run(t, c.harness()) })
	}
}

// TestRandomOperations holds them to the model.
func TestRandomOperations(t *testing.T) {
	o := storetest.Random{Steps: 1_000}
	if os.Getenv("LARDER_SOAK") != "" {
		o = storetest.Random{Steps: 20_000, Runs: 10}
	}
	for _, c := range combinations(t) {
		t.Run(c.String(), func(t *testing.T) { storetest.Differential(t, c.harness(), o) })
	}
}

// TestLinearizable has the histories of many clients checked.
func TestLinearizable(t *testing.T) {
	var o storetest.Random
	if os.Getenv("LARDER_SOAK") != "" {
		o = storetest.Random{Steps: 10_000, Runs: 10}
	}
	for _, c := range combinations(t) {
		t.Run(c.String(), func(t *testing.T) { storetest.Linearizable(t, c.harness(), o) })
	}
}
