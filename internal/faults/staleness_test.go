package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"larder/internal/testenv"
)

const (
	copiedKeys = 40 // some written all the time, and those of before in peace
	calmAfter  = 4  // parts of a run in which another part of the keys is written
)

// TestStalenessUnderFaults has clients write by way of three instances and read whatever
// these take for fresh, while the cache is flushed, killed, comes back empty or with what
// it held before, hangs, or is cut off from one instance, and while instances are killed
// and hang. No read may be further behind than δ, and no session go back.
func TestStalenessUnderFaults(t *testing.T) {
	t.Parallel()
	c := start(t, testenv.Build(t), options{instances: 3, routes: "*=cache-aside(pg,hot)"})
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			lasts := lasting(3 * time.Second)
			s := c.draw(seed, lasts, []fault{c.dumpKept(lasts / 8)}, int(lasts/time.Second)*5, cacheWentBack, processKilledBeforeCache, cacheLinkBroken, cacheFlushed, processKilled, processPaused,
				commandsLost, cachePaused, databaseLinkBroken, cacheEmptied, commitsCut)
			t.Log(s)
			w := c.watch(t, s, fmt.Sprintf("t%d", seed), 2)
			w.enough(t)
			if faults := w.seen.check(w.issued, staleness+slack); len(faults) > 0 {
				w.seen.saveAll(t, s, faults)
				t.Errorf("%d faults, the first being %s", len(faults), faults[0])
			}
		})
	}
}

// watchers are clients of all instances, and what they saw.
type watchers struct {
	cluster *cluster
	table   string
	began   time.Time
	lasts   time.Duration

	mu     sync.Mutex
	seen   sightings
	issued map[string]issue
	reads  int
	copies int // reads that a copy answered
}

// watch plays a schedule with clients at work. Of each instance two clients keep to it, and
// so many more go from one to the other and tell each what they have seen.
func (c *cluster) watch(t *testing.T, s schedule, table string, more int) *watchers {
	t.Helper()
	w := &watchers{cluster: c, table: table, began: time.Now(), lasts: s.lasts, issued: make(map[string]issue)}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for n := range 2*len(c.instances) + more {
		v := &watcher{watchers: w, number: n, random: rand.New(rand.NewPCG(s.seed, uint64(n)+1))}
		if n < 2*len(c.instances) {
			v.keepsTo = c.instances[n/2]
		} else {
			v.known = make(map[string]int64)
		}
		working.Go(func() { v.run(ctx) })
	}
	s.play(t)
	stop()
	working.Wait()
	c.settle(t, table)
	t.Logf("%d reads, %d of them of copies, and %d writes", w.reads, w.copies, len(w.issued))
	return w
}

// enough fails where too little was seen to show anything.
func (w *watchers) enough(t *testing.T) {
	t.Helper()
	if w.copies < 200 || len(w.issued) < 50 {
		t.Errorf("%d reads of copies and %d writes show little", w.copies, len(w.issued))
	}
}

// watcher is one client.
type watcher struct {
	*watchers
	number  int
	writes  int
	random  *rand.Rand
	keepsTo *instance        // nil: it goes from one to the other
	known   map[string]int64 // what it tells them then
}

func (w *watcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		var a answer
		if w.random.IntN(8) == 0 {
			a = w.write(ctx)
		} else {
			a = w.read(ctx)
		}
		if a.done() {
			pause(ctx, time.Millisecond)
		} else {
			pause(ctx, 10*time.Millisecond)
		}
	}
}

// one is whom to ask, and for which session.
func (w *watcher) one() *instance {
	if w.keepsTo != nil {
		return w.keepsTo
	}
	return w.cluster.anyone(w.random)
}

func (w *watcher) session(life int) string {
	if w.keepsTo != nil {
		return fmt.Sprintf("client %d at process %d of instance %d", w.number, life, w.keepsTo.number)
	}
	return fmt.Sprintf("client %d, which tells what it has seen", w.number)
}

// write writes a key that is written in this part of the run; the others rest.
func (w *watcher) write(ctx context.Context) answer {
	part := min(int(time.Since(w.began)*calmAfter/w.lasts), calmAfter-1)
	key := fmt.Sprintf("k%d", w.random.IntN(copiedKeys/calmAfter)*calmAfter+part)
	if w.random.IntN(4) == 0 { // and some are, all the time
		key = fmt.Sprintf("k%d", copiedKeys+w.random.IntN(4))
	}
	w.writes++
	value := fmt.Sprintf(`"%d-%d"`, w.number, w.writes)
	s := sighting{Key: key, Write: true}
	s.Invoked = w.issue(value, key)
	a := w.one().ask(context.WithoutCancel(ctx), request{method: http.MethodPut, table: w.table, key: key, body: value})
	w.note(s, a)
	return a
}

func (w *watcher) read(ctx context.Context) answer {
	key := fmt.Sprintf("k%d", w.random.IntN(copiedKeys+4))
	r := request{table: w.table, key: key, header: map[string]string{}}
	if v := w.known[key]; v > 0 {
		r.header["Larder-Min-Version"] = strconv.FormatInt(v, 10)
	}
	s := sighting{Key: key, Invoked: time.Since(w.began)}
	a := w.one().ask(context.WithoutCancel(ctx), r)
	s.Value, s.Copied = a.body, a.copied
	w.note(s, a)
	return a
}

// issue takes note of a write that is about to be sent, and gives the time.
func (w *watcher) issue(value, key string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Since(w.began)
	w.issued[value] = issue{key, now}
	return now
}

// note takes note of an answer, if it shows a version or that there is none.
func (w *watcher) note(s sighting, a answer) {
	s.Ended = time.Since(w.began)
	if !a.done() {
		return
	}
	if a.exists {
		s.Version = a.version
	}
	s.Session, s.Told = w.session(a.life), w.known != nil
	if w.known != nil {
		w.known[s.Key] = max(w.known[s.Key], s.Version)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, s)
	if !s.Write {
		w.reads++
		if s.Copied {
			w.copies++
		}
	}
}
