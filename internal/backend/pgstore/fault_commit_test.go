package pgstore

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// cuts are how connections break around a commit, and how often of 100. To the
// store all look alike.
var cuts = []struct {
	testenv.Cut
	times int
}{
	{testenv.CutBeforeCommit, 44},
	{testenv.CutAfterCommit, 44},
	{testenv.CutDuringCommit, 10},
	{testenv.AbandonBeforeCommit, 2},
}

// TestCommitsCutOff breaks a connection at its commit, 100 times under load. The
// server lives on and knows what it has committed, so every client gets the
// truth, and none is told that the outcome is unknown.
func TestCommitsCutOff(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t)
	proxy := testenv.ProxyPostgres(t, url)
	f := open(t, func(o *Options) { o.URL = proxy.URL })
	var deck []testenv.Cut
	for _, c := range cuts {
		for range c.times {
			deck = append(deck, c.Cut)
		}
	}
	random := rand.New(rand.NewPCG(storetest.Seed(t), 0))
	random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	var mu sync.Mutex
	after, all := 20, make(chan struct{}) // commits until the next cut
	proxy.OnCommit(func(testenv.Commit) testenv.Cut {
		mu.Lock()
		defer mu.Unlock()
		if after--; after > 0 || len(deck) == 0 {
			return testenv.NoCut
		}
		after = 1 + random.IntN(8)
		cut := deck[0]
		if deck = deck[1:]; len(deck) == 0 {
			close(all)
		}
		return cut
	})

	l := startLoad(f, time.Minute)
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	select {
	case <-all:
	case <-late.C:
		t.Fatalf("%d cuts are left", len(deck))
	}
	l.progress(200) // it goes on
	l.check(t)
	tallies, counts := &f.tallies, proxy.Counts()
	t.Logf("%d commits and %d cuts seen by the proxy; %d commits looked up, %d transactions repeated", counts.Commits, counts.Cuts, tallies.lookedUp.Load(), tallies.repeated.Load())
	if n := tallies.unknown.Load(); n != 0 {
		t.Errorf("%d outcomes are said to be unknown", n)
	}
	if counts.Cuts < 100 || tallies.lookedUp.Load() < 100 {
		t.Errorf("of 100 commits cut off, the proxy cut %d and the store looked up %d", counts.Cuts, tallies.lookedUp.Load())
	}
}
