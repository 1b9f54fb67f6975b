package pgstore

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// cutter breaks connections at commits, in ways drawn from a deck, with some
// commits between that go through.
type cutter struct {
	mu     sync.Mutex
	random *rand.Rand
	deck   []testenv.Cut
	next   int           // commits until the next cut
	done   chan struct{} // closed when the deck is empty
}

func newCutter(t *testing.T, times map[testenv.Cut]int) *cutter {
	t.Helper()
	c := &cutter{random: rand.New(rand.NewPCG(storetest.Seed(t), 0)), next: 20, done: make(chan struct{})}
	for cut := testenv.NoCut; cut <= testenv.AbandonBeforeCommit; cut++ {
		for range times[cut] {
			c.deck = append(c.deck, cut)
		}
	}
	c.random.Shuffle(len(c.deck), func(i, j int) { c.deck[i], c.deck[j] = c.deck[j], c.deck[i] })
	return c
}

func (c *cutter) decide(testenv.Commit) testenv.Cut {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next--; c.next > 0 || len(c.deck) == 0 {
		return testenv.NoCut
	}
	c.next = 1 + c.random.IntN(8)
	cut := c.deck[0]
	if c.deck = c.deck[1:]; len(c.deck) == 0 {
		close(c.done)
	}
	return cut
}

func (c *cutter) wait(t *testing.T) {
	t.Helper()
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	select {
	case <-c.done:
	case <-late.C:
		c.mu.Lock()
		defer c.mu.Unlock()
		t.Fatalf("%d cuts are left", len(c.deck))
	}
}

// TestCommitsCutOff breaks a connection at its commit, 100 times under load. To
// the store all cuts look alike. The server lives on and knows what it has
// committed: every client is told the truth, and none that it is unknown.
func TestCommitsCutOff(t *testing.T) {
	t.Parallel()
	times := map[testenv.Cut]int{
		testenv.CutBeforeCommit: 44, testenv.CutAfterCommit: 44, testenv.CutDuringCommit: 10, testenv.AbandonBeforeCommit: 2,
	}
	cutOff(t, testenv.Postgres(t), times, 100)
}

// TestCommitsCutOffThroughPgBouncer is the same with PgBouncer between the
// breaks and the server.
func TestCommitsCutOffThroughPgBouncer(t *testing.T) {
	t.Parallel()
	times := map[testenv.Cut]int{testenv.CutBeforeCommit: 10, testenv.CutAfterCommit: 10}
	cutOff(t, throughPgBouncer(t), times, 20)
}

func cutOff(t *testing.T, url string, times map[testenv.Cut]int, all int) {
	t.Helper()
	proxy := testenv.ProxyPostgres(t, url)
	f := open(t, func(o *Options) { o.URL = proxy.URL })
	c := newCutter(t, times)
	proxy.OnCommit(c.decide)
	l := startLoad(f, time.Minute)
	c.wait(t)
	l.AwaitAcknowledged(200) // it goes on
	l.Check()
	lookedUp, unknown, counts := f.tallies.lookedUp.Load(), f.tallies.unknown.Load(), proxy.Counts()
	t.Logf("the proxy saw %d commits and cut %d; %d were looked up, %d transactions repeated", counts.Commits, counts.Cuts, lookedUp, f.tallies.repeated.Load())
	if unknown != 0 {
		t.Errorf("%d outcomes are said to be unknown", unknown)
	}
	if counts.Cuts < all || lookedUp < int64(all) {
		t.Errorf("of %d commits to be cut off, the proxy cut %d and the store looked up %d", all, counts.Cuts, lookedUp)
	}
}

// TestOutcomeUnknown has the server out of reach after the break, until the
// store gives up asking. It says that it does not know, and no more.
func TestOutcomeUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		testenv.Cut
		there bool
	}{"before": {testenv.CutBeforeCommit, false}, "after": {testenv.CutAfterCommit, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := testenv.ProxyPostgres(t, testenv.Postgres(t))
			f := open(t, func(o *Options) { o.URL = proxy.URL })
			proxy.OnCommit(func(testenv.Commit) testenv.Cut { proxy.Refuse(); return c.Cut })
			_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{put("a", `1`)}})
			fails(t, "Apply", err, store.Ambiguous)
			proxy.OnCommit(nil)
			proxy.Resume()
			if there := f.get("a").Exists(); there != c.there {
				t.Errorf("the entry is there: %v, want %v", there, c.there)
			}
			f.apply(put("a", `2`))
		})
	}
}
