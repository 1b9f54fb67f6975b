// Package combinations holds every strategy over every sensible pair of real members to
// what a store owes. It has tests only.
//
//	for _, c := range combinations(t) {
//		t.Run(c.String(), func(t *testing.T) { storetest.Run(t, c.harness()) })
//	}
//
// Which engines there are, and which strategies, is in two lists; a test ranges over what
// comes of them and knows none by name. Not all pairs fit into the time of a quick run: it
// has those that the lists of a strategy name, and a run with LARDER_SOAK has all.
package combinations
