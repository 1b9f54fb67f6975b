// Package faults shows that larder keeps its promises while what it stands on breaks. It
// has tests only.
//
//	c := start(t, testenv.Build(t), options{instances: 3, routes: "*=cache-aside(pg,hot)"})
//	s := c.draw(seed, 6*time.Second, nil, 10, processKilled, databaseKilled, cacheFlushed)
//	t.Log(s)
//	clients := …
//	s.play(t)
//
// A test starts several larder processes over a PostgreSQL and a Redis of its own. Each
// process reaches each of the two by a proxy of its own, so that one can be cut off alone.
// A schedule says which faults come when, and for how long. Meanwhile clients write down
// what they asked over HTTP and what they were told, and a checker says whether that can
// have been. Every checker is held to histories that can't.
//
// All that is random comes of one seed, which the test prints with the schedule. What the
// operating system does between is not repeated by it.
//
//	LARDER_FAULT_SEED   the seed of the first run, the next takes the next; else another one each time
//	LARDER_FAULT_SEEDS  how many runs of each test; 5, and 50 longer ones with LARDER_SOAK
package faults
