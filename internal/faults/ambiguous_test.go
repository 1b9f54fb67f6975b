package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/testenv"
)

// TestCommitsCutOffOverHTTP breaks connections around commits while clients write, and
// then looks what is there. No write that was acknowledged is missing, none that was said
// to have failed is there, and none was done twice.
func TestCommitsCutOffOverHTTP(t *testing.T) {
	t.Parallel()
	binary := testenv.Build(t)
	seed := seeds(t)[0]
	for _, routes := range []string{"*=primary-only(pg)", "*=cache-aside(pg,hot)", "*=primary-only(hot)"} {
		t.Run(routes, func(t *testing.T) {
			t.Parallel()
			c := start(t, binary, options{instances: 1, routes: routes, durable: true})
			w := &doubters{cluster: c, enough: 100}
			if soaks() {
				w.enough = 1000
			}
			w.breaks(seed, strings.Contains(routes, "(pg"))
			w.run(t, seed)
			w.settle(t)
			t.Logf("%d cuts; of %d writes %d were acknowledged, %d failed, and of %d nobody knows", w.cuts.Load(), len(w.writes), w.counts[acknowledged], w.counts[failed], w.counts[unknown])
			if w.cuts.Load() < w.enough || w.counts[acknowledged] < 100 {
				t.Errorf("%d cuts show little", w.cuts.Load())
			}
		})
	}
}

// fate is what a client was told of a write.
type fate int

const (
	acknowledged fate = iota
	failed
	unknown
)

// written is a write that was answered, or not.
type written struct {
	key, value string
	fate       fate
}

// doubters write keys of their own, and know of each write what they were told.
type doubters struct {
	cluster *cluster
	enough  int64 // cuts
	cuts    atomic.Int64

	mu     sync.Mutex
	writes []written
	counts [3]int
}

// breaks has one in three commits, or one in ten commands that write, break their
// connection, which many share at Redis, until it is enough. Now and then the server is out of reach for a moment after that.
func (w *doubters) breaks(seed uint64, postgres bool) {
	i := w.cluster.instances[0]
	chance := &random{r: rand.New(rand.NewPCG(seed, 0))}
	cut := func(l breaker, oneIn int) bool {
		if chance.intN(oneIn) > 0 || w.cuts.Add(1) > w.enough {
			return false
		}
		if chance.intN(10) == 0 {
			l.Refuse()
			time.AfterFunc(100*time.Millisecond, l.Resume)
		}
		return true
	}
	if postgres {
		i.toDatabase.OnCommit(func(testenv.Commit) testenv.Cut {
			if !cut(i.toDatabase, 3) {
				return testenv.NoCut
			}
			return []testenv.Cut{testenv.CutBeforeCommit, testenv.CutDuringCommit, testenv.CutAfterCommit}[chance.intN(3)]
		})
		return
	}
	i.toCache.OnCommand(func(words []string) testenv.CommandCut {
		if !strings.EqualFold(words[0], "EVALSHA") || !cut(i.toCache, 10) { // scripts write
			return testenv.PassOn
		}
		return []testenv.CommandCut{testenv.LoseCommand, testenv.LoseReply}[chance.intN(2)]
	})
}

// run has clients write until there were enough cuts, and some more without.
func (w *doubters) run(t *testing.T, seed uint64) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var working sync.WaitGroup
	for n := range 8 {
		r := rand.New(rand.NewPCG(seed, uint64(n)+1))
		working.Go(func() {
			for count, after := 0, 0; after < 5 && ctx.Err() == nil; count++ {
				w.write(ctx, n, count, r)
				if w.cuts.Load() >= w.enough {
					after++
				}
			}
		})
	}
	working.Wait()
}

// write puts a new key, or the counter of this client, whose version counts the writes.
func (w *doubters) write(ctx context.Context, number, count int, r *rand.Rand) {
	one := written{key: fmt.Sprintf("fresh-%d-%d", number, count), value: fmt.Sprintf(`"%d-%d"`, number, count)}
	sent := request{method: http.MethodPut, table: "t", header: map[string]string{"If-None-Match": "*"}}
	if r.IntN(3) == 0 {
		one.key = fmt.Sprintf("counter-%d", number)
		sent.header = nil
	}
	sent.key, sent.body = one.key, one.value
	a := w.cluster.instances[0].ask(context.WithoutCancel(ctx), sent)
	switch {
	case a.open:
		one.fate = unknown
	case !a.done():
		one.fate = failed
	}
	if one.fate != acknowledged {
		pause(ctx, 5*time.Millisecond)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, one)
	w.counts[one.fate]++
}

// settle holds what is there against what the clients were told.
func (w *doubters) settle(t *testing.T) {
	t.Helper()
	w.cluster.settle(t, "t")
	byKey := make(map[string][]written)
	for _, one := range w.writes {
		byKey[one.key] = append(byKey[one.key], one)
	}
	for key, writes := range byKey {
		a := w.cluster.instances[0].ask(t.Context(), request{table: "t", key: key, header: map[string]string{"Cache-Control": "no-cache"}})
		if !a.done() {
			t.Fatalf("%s can't be read: %+v", key, a)
		}
		if fault := disagrees(writes, a); fault != "" {
			t.Errorf("%s: %s", key, fault)
		}
	}
}

// disagrees says what of a key can't be, after these writes by one client; "": all can.
func disagrees(writes []written, a answer) string {
	var counts [3]int
	possible := false
	for _, one := range writes {
		counts[one.fate]++
		possible = possible || one.fate != failed && one.value == a.body
	}
	switch least, most := int64(counts[acknowledged]), int64(counts[acknowledged]+counts[unknown]); {
	case a.version < least:
		return fmt.Sprintf("it is at version %d, and %d writes were acknowledged", a.version, least)
	case a.version > most:
		return fmt.Sprintf("it is at version %d, and of its writes %d were acknowledged and %d are unknown: one was done twice, or is said to have failed", a.version, least, counts[unknown])
	case a.exists && !possible:
		return "its value is of no write that can have been done"
	}
	return ""
}

// TestWritesThatDisagree holds the check to outcomes that can't be.
func TestWritesThatDisagree(t *testing.T) {
	t.Parallel()
	acked, open, refused := written{value: "1"}, written{value: "2", fate: unknown}, written{value: "3", fate: failed}
	at := func(version int64, body string) answer {
		return answer{exists: version > 0, version: version, body: body}
	}
	for name, tt := range map[string]struct {
		writes []written
		found  answer
		wrong  bool
	}{
		"done":                        {[]written{acked}, at(1, "1"), false},
		"lost":                        {[]written{acked}, at(0, ""), true},
		"done twice":                  {[]written{acked}, at(2, "1"), true},
		"failed":                      {[]written{refused}, at(0, ""), false},
		"failed, and done":            {[]written{refused}, at(1, "3"), true},
		"unknown, and not done":       {[]written{open}, at(0, ""), false},
		"unknown, and done":           {[]written{open}, at(1, "2"), false},
		"unknown, and done twice":     {[]written{open}, at(2, "2"), true},
		"the failed one in its place": {[]written{open, refused}, at(1, "3"), true},
	} {
		if fault := disagrees(tt.writes, tt.found); (fault != "") != tt.wrong {
			t.Errorf("%s: %q", name, fault)
		}
	}
}
