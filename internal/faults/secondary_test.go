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
// says it has seen. Who does not say so may be shown less than before. Runs that have the
// secondary away most of the time, or little of the machine, see few of its answers: others
// are added until there are enough.
func TestSecondaryAnswersUnderFaults(t *testing.T) {
	t.Parallel()
	c := start(t, testenv.Build(t), options{instances: 2, routes: "*=fastest-read(pg,hot)"})
	copies, all := 0, seeds(t)
	enough := 40 * len(all)
	for n := 0; n < len(all) || copies < enough && n < 4*len(all); n++ {
		seed := all[0] + uint64(n)
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
	if copies < enough {
		t.Errorf("%d reads of the secondary show little", copies)
	}
}
