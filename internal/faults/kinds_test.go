package faults_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/testenv"
)

// What faults touch, beside the processes and links that are named by a number.
const (
	theDatabase = "database"
	theCache    = "cache"
)

func (c *cluster) anyone(r *rand.Rand) *instance { return c.instances[r.IntN(len(c.instances))] }

func nothing(testing.TB) {}

func (i *instance) named(what string) string { return fmt.Sprintf("%s %d", what, i.number) }

// whole is all that a process needs to start.
func (i *instance) whole() []string {
	return []string{i.named("process"), i.named("database link"), i.named("cache link"), theDatabase, theCache}
}

// processKilled kills a larder process as kill -9 does, and starts another in its place.
func processKilled(c *cluster, r *rand.Rand) fault {
	i := c.anyone(r)
	return fault{
		name: i.named("kill -9 of instance"), lasts: between(r, 10*time.Millisecond, 500*time.Millisecond), touches: i.whole(),
		begin: func(testing.TB) { i.process.Kill() },
		end:   func(testing.TB) { i.serve() },
	}
}

// processKilledBeforeCache kills a larder process when it has committed a write and is about
// to put it into the cache, which never hears of it; or, where that does not come within a
// while, whenever.
func processKilledBeforeCache(c *cluster, r *rand.Rand) fault {
	i := c.anyone(r)
	f := fault{name: i.named("kill -9 between commit and cache of instance"), lasts: between(r, 10*time.Millisecond, 500*time.Millisecond), touches: i.whole()}
	f.begin = func(testing.TB) {
		var committed atomic.Bool
		reached := make(chan struct{})
		once := sync.OnceFunc(func() { close(reached) })
		i.toDatabase.OnCommit(func(testenv.Commit) testenv.Cut {
			committed.Store(true)
			return testenv.NoCut
		})
		i.toCache.OnCommand(func(words []string) testenv.CommandCut {
			if !committed.Load() || !strings.EqualFold(words[0], "EVALSHA") { // a script keeps copies
				return testenv.PassOn
			}
			once()
			return testenv.LoseCommand
		})
		late := time.NewTimer(time.Second)
		defer late.Stop()
		select {
		case <-reached:
		case <-late.C:
		}
		i.process.Kill()
	}
	f.end = func(testing.TB) {
		i.toDatabase.OnCommit(nil)
		i.toCache.OnCommand(nil)
		i.serve()
	}
	return f
}

// processPaused has a larder process stand still, as SIGSTOP does.
func processPaused(c *cluster, r *rand.Rand) fault {
	i := c.anyone(r)
	return fault{
		name: i.named("SIGSTOP of instance"), lasts: between(r, 100*time.Millisecond, 2*time.Second), touches: []string{i.named("process")},
		begin: func(testing.TB) { i.process.Pause() },
		end:   func(testing.TB) { i.process.Resume() },
	}
}

// breaker is what a proxy can do to all protocols.
type breaker interface {
	CutAll()
	Stall()
	StallAnswers()
	Refuse()
	Resume()
}

// linkBroken breaks one link, in one of the ways in which networks do.
func linkBroken(what, touches string, l breaker, r *rand.Rand) fault {
	f := fault{lasts: between(r, 50*time.Millisecond, 2*time.Second), touches: []string{touches}, end: func(testing.TB) { l.Resume() }}
	switch r.IntN(4) {
	case 0:
		f.name, f.lasts = "connections cut: "+what, 0
		f.begin, f.end = func(testing.TB) { l.CutAll() }, nothing
	case 1:
		f.name = "connections cut, new ones refused: " + what
		f.begin = func(testing.TB) { l.Refuse(); l.CutAll() }
	case 2:
		f.name = "nothing gets through: " + what
		f.begin = func(testing.TB) { l.Stall() }
	default:
		f.name = "no answer gets through: " + what
		f.begin = func(testing.TB) { l.StallAnswers() }
		f.end = func(testing.TB) { l.CutAll(); l.Resume() }
	}
	return f
}

func databaseLinkBroken(c *cluster, r *rand.Rand) fault {
	i := c.anyone(r)
	return linkBroken(i.named("PostgreSQL for instance"), i.named("database link"), i.toDatabase, r)
}

func cacheLinkBroken(c *cluster, r *rand.Rand) fault {
	i := c.anyone(r)
	return linkBroken(i.named("Redis for instance"), i.named("cache link"), i.toCache, r)
}

// random is a source that many goroutines draw from.
type random struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (r *random) intN(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.r.IntN(n)
}

// commitsCut breaks one in eight connections at its commit, before, during or after.
func commitsCut(c *cluster, r *rand.Rand) fault {
	i := c.anyone(r)
	chance := &random{r: rand.New(rand.NewPCG(r.Uint64(), 1))}
	return fault{
		name: i.named("commits cut off: PostgreSQL for instance"), lasts: between(r, 200*time.Millisecond, 2*time.Second), touches: []string{i.named("database link")},
		begin: func(testing.TB) {
			i.toDatabase.OnCommit(func(testenv.Commit) testenv.Cut {
				if chance.intN(8) > 0 {
					return testenv.NoCut
				}
				return []testenv.Cut{testenv.CutBeforeCommit, testenv.CutDuringCommit, testenv.CutAfterCommit}[chance.intN(3)]
			})
		},
		end: func(testing.TB) { i.toDatabase.OnCommit(nil) },
	}
}

// commandsLost loses one in twenty commands to Redis, or their replies, each with its
// connection.
func commandsLost(c *cluster, r *rand.Rand) fault {
	i := c.anyone(r)
	chance := &random{r: rand.New(rand.NewPCG(r.Uint64(), 1))}
	return fault{
		name: i.named("commands and replies lost: Redis for instance"), lasts: between(r, 200*time.Millisecond, 2*time.Second), touches: []string{i.named("cache link")},
		begin: func(testing.TB) {
			i.toCache.OnCommand(func([]string) testenv.CommandCut {
				if chance.intN(20) > 0 {
					return testenv.PassOn
				}
				return []testenv.CommandCut{testenv.LoseCommand, testenv.LoseReply}[chance.intN(2)]
			})
		},
		end: func(testing.TB) { i.toCache.OnCommand(nil) },
	}
}

// databaseKilled kills PostgreSQL as kill -9 does, and starts it again.
func databaseKilled(c *cluster, r *rand.Rand) fault {
	return fault{
		name: "kill -9 of PostgreSQL", lasts: between(r, 10*time.Millisecond, 500*time.Millisecond), touches: []string{theDatabase},
		begin: func(t testing.TB) { c.database.Kill(t) },
		end:   func(t testing.TB) { c.database.Start(t) },
	}
}

// cacheKilled kills Redis as kill -9 does, and starts it again with what it has on disk.
func cacheKilled(c *cluster, r *rand.Rand) fault {
	return fault{
		name: "kill -9 of Redis", lasts: between(r, 10*time.Millisecond, 500*time.Millisecond), touches: []string{theCache},
		begin: func(t testing.TB) { c.cache.Kill(t) },
		end:   func(t testing.TB) { c.cache.Start(t) },
	}
}

// cacheFlushed has Redis forget everything.
func cacheFlushed(c *cluster, _ *rand.Rand) fault {
	return fault{
		name: "FLUSHALL", touches: []string{theCache},
		begin: func(t testing.TB) { c.cache.Do(t, "FLUSHALL") }, end: nothing,
	}
}

// cachePaused has Redis stand still, as SIGSTOP does.
func cachePaused(c *cluster, r *rand.Rand) fault {
	return fault{
		name: "SIGSTOP of Redis", lasts: between(r, 100*time.Millisecond, 1500*time.Millisecond), touches: []string{theCache},
		begin: func(t testing.TB) { c.cache.Pause(t) },
		end:   func(t testing.TB) { c.cache.Resume(t) },
	}
}

// cacheEmptied kills Redis, which starts again with nothing.
func cacheEmptied(c *cluster, r *rand.Rand) fault {
	f := cacheKilled(c, r)
	f.name = "Redis starts again with nothing"
	f.end = func(t testing.TB) { c.emptyCache(t); c.cache.Start(t) }
	return f
}

// dumpKept has what Redis holds at a time be kept, for cacheWentBack.
func (c *cluster) dumpKept(at time.Duration) fault {
	return fault{name: "what Redis holds is kept", at: at, touches: []string{theCache}, begin: func(t testing.TB) { c.keepDump(t) }, end: nothing}
}

// cacheWentBack kills Redis, which starts again with what it held some time ago.
func cacheWentBack(c *cluster, r *rand.Rand) fault {
	f := cacheKilled(c, r)
	f.name = "Redis starts again from an old dump"
	f.begin = func(t testing.TB) {
		if c.dump == nil {
			c.keepDump(t)
		}
		c.cache.Kill(t)
	}
	f.end = func(t testing.TB) { c.restoreDump(t); c.cache.Start(t) }
	return f
}
