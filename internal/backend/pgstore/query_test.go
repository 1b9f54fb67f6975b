package pgstore

import (
	"testing"

	"larder/internal/store/storetest"
)

// TestQueriesAsEvaluated has the SQL mean what filters, sorts and positions
// mean.
func TestQueriesAsEvaluated(t *testing.T) {
	storetest.Evaluated(t, harness(), storetest.Random{Steps: 120, Runs: 4})
}
