package faults_test

import (
	"fmt"
	"testing"
	"time"

	"larder/internal/testenv"
)

// TestSecondaryAnswersUnderFaults has clients write and read by fastest-read, while the
// secondary is flushed, killed, hangs, is cut off, and comes back with nothing or with what
// it held before. No answer is further behind than δ, nor below the version that a client
// says it has seen. Who does not say so may be shown less than before.
func TestSecondaryAnswersUnderFaults(t *testing.T) {
	t.Parallel()
	c := start(t, testenv.Build(t), options{instances: 2, routes: "*=fastest-read(pg,hot)"})
	copies, all := 0, seeds(t)
	for _, seed := range all {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			lasts := lasting(2 * time.Second)
			s := c.draw(seed, lasts, []fault{c.dumpKept(lasts / 8)}, int(lasts/time.Second)*5, cacheFlushed, cacheWentBack, cacheLinkBroken,
				processKilled, cacheEmptied, commandsLost, processPaused, cachePaused, databaseLinkBroken, commitsCut)
			t.Log(s)
			w := c.watch(t, s, fmt.Sprintf("t%d", seed), 4)
			copies += w.copies
			for i := range w.seen {
				if !w.seen[i].Told {
					w.seen[i].Session = ""
				}
			}
			if faults := w.seen.check(w.issued, staleness+slack); len(faults) > 0 {
				w.seen.saveAll(t, s, faults)
				t.Errorf("%d faults, the first being %s", len(faults), faults[0])
			}
		})
	}
	if copies < 40*len(all) { // a run that begins with the secondary away has few
		t.Errorf("%d reads of the secondary in %d runs show little", copies, len(all))
	}
}
