package redisstore

import (
	"testing"

	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// TestQueriesAsEvaluated holds random queries to their meaning, said plainly.
func TestQueriesAsEvaluated(t *testing.T) {
	storetest.Evaluated(t, harness(), storetest.Random{Steps: 250, Runs: 8})
}

// inSmallPieces has every script look at a few entries only, so that nearly
// everything takes several of them.
func inSmallPieces(o *Options) { o.ScriptEntries = 3 }

func TestStoreInSmallPieces(t *testing.T) {
	h := harnessOn(testenv.Redis, inSmallPieces)
	t.Run("suite", func(t *testing.T) { storetest.Run(t, h) })
	t.Run("random", func(t *testing.T) { storetest.Differential(t, h, storetest.Random{Steps: 1_000}) })
	t.Run("queries", func(t *testing.T) { storetest.Evaluated(t, h, storetest.Random{Steps: 100, Runs: 2}) })
}
