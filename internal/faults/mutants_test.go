package faults_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/testenv"
)

// TestEachConditionIsNeededUnderFaults leaves out the conditions that a copy has to meet one by one.
// Each time the check of what was seen finds reads that are too old, or that go back, by
// the faults that the condition is there for; with all of them in their place, it finds
// none. The epoch has its test in TestTheDatabaseGoesBack. That a copy is as new as the
// client asks for is seen to by the HTTP layer too, so it takes the strategy's own
// TestMinVersionAcrossProcesses to miss it.
func TestEachConditionIsNeededUnderFaults(t *testing.T) {
	t.Parallel()
	const lasts = 3 * time.Second
	binary := testenv.BuildTagged(t, "larder_mutants")
	seed := seeds(t)[0]
	for _, tt := range []struct {
		without string
		faults  func(c *cluster) []fault
		finds   bool // reads that are too old
	}{
		{"recent_read", databaseOutOfReach, true},
		{"above_floor", noFaults, true},
		{"within_feed", everythingWentBack, true},
		{"", databaseOutOfReach, false},
		{"", everythingWentBack, false},
	} {
		name := "without " + tt.without
		if tt.without == "" {
			name = "with all of them"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, binary, options{instances: 3, routes: "*=cache-aside(pg,hot)", env: []string{"CACHEASIDE_WITHOUT=" + tt.without}})
			s := c.draw(seed, lasts, tt.faults(c), 0)
			t.Log(s)
			// Who tells an instance what it has seen of another would have it look anew.
			w := c.watch(t, s, "t", 0)
			w.enough(t)
			faults := w.seen.check(w.issued, staleness+slack)
			t.Logf("%d faults are found", len(faults))
			found := slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, "more than "+(staleness+slack).String()+" behind") })
			if tt.finds && !found {
				t.Error("none is a read that is too old")
			}
			if !tt.finds && len(faults) > 0 {
				w.seen.saveAll(t, s, faults)
				t.Errorf("%d faults, the first being %s", len(faults), faults[0])
			}
		})
	}
}

func noFaults(*cluster) []fault { return nil }

// databaseOutOfReach has one instance out of reach of PostgreSQL for most of the run.
func databaseOutOfReach(c *cluster) []fault {
	i := c.instances[0]
	return []fault{{
		name: i.named("connections cut, new ones refused: PostgreSQL for instance"), at: 500 * time.Millisecond, lasts: 2400 * time.Millisecond,
		begin: func(testing.TB) { i.toDatabase.Refuse(); i.toDatabase.CutAll() },
		end:   func(testing.TB) { i.toDatabase.Resume() },
	}}
}

// everythingWentBack has the cache come back with what it held some time ago, of which
// some has been written since and then no more, and no process that would know.
func everythingWentBack(c *cluster) []fault {
	return []fault{c.dumpKept(400 * time.Millisecond), {
		name: "all instances are killed, and Redis starts again from the dump", at: 1800 * time.Millisecond,
		begin: func(t testing.TB) {
			for _, i := range c.instances {
				i.process.Kill()
			}
			c.cache.Kill(t)
		},
		end: func(t testing.TB) {
			c.restoreDump(t)
			c.cache.Start(t)
			for _, i := range c.instances {
				i.serve()
			}
		},
	}}
}
