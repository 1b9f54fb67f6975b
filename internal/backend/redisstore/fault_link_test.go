package redisstore

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// throughProxy opens a store by way of a proxy, on a site of its own.
func throughProxy(t testing.TB, change ...func(o *Options)) (*fixture, *testenv.RedisProxy) {
	t.Helper()
	site := testenv.Redis(t)
	proxy := testenv.ProxyRedis(t, site.URL)
	change = append([]func(o *Options){func(o *Options) { o.URL, o.Prefix = proxy.URL, site.Prefix }}, change...)
	return open(t, change...), proxy
}

// writes says whether a command is a script that may write.
func writes(words []string) bool { return words[0] == "EVALSHA" || words[0] == "EVAL" }

// cutter breaks connections around writes, in ways drawn by chance, with some writes
// between that go through.
type cutter struct {
	mu     sync.Mutex
	random *rand.Rand
	next   int // writes until the next cut
	cuts   map[testenv.CommandCut]int
	left   int
	done   chan struct{} // closed when none is left
}

func newCutter(t *testing.T, cuts int) *cutter {
	t.Helper()
	return &cutter{
		random: rand.New(rand.NewPCG(storetest.Seed(t), 0)), next: 20, left: cuts,
		cuts: make(map[testenv.CommandCut]int), done: make(chan struct{}),
	}
}

func (c *cutter) decide(words []string) testenv.CommandCut {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !writes(words) || c.left == 0 {
		return testenv.PassOn
	}
	if c.next--; c.next > 0 {
		return testenv.PassOn
	}
	c.next = 1 + c.random.IntN(20)
	cut := testenv.LoseCommand
	if c.random.IntN(2) == 0 {
		cut = testenv.LoseReply
	}
	c.cuts[cut]++
	if c.left--; c.left == 0 {
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
		t.Fatal("the cuts have not all been made")
	}
}

// TestWritesCutOff breaks the connection around a write, 100 times under load.
func TestWritesCutOff(t *testing.T) {
	t.Parallel()
	f, proxy := throughProxy(t)
	c := newCutter(t, rounds(100))
	proxy.OnCommand(c.decide)
	l := startLoad(f, faultload.Options{})
	c.wait(t)
	l.AwaitAcknowledged(200) // it goes on
	proxy.OnCommand(nil)
	checkLoad(f, l)
	t.Logf("%d commands did not arrive, %d replies", c.cuts[testenv.LoseCommand], c.cuts[testenv.LoseReply])
	if n := proxy.Counts().Cuts; n < 60 { // a server that refuses a command is not cut off
		t.Errorf("the proxy cut %d connections", n)
	}
}

// TestOutcomeUnknown breaks the connection around a write of each kind, before the
// server hears of it and after it has answered. The store can't know which it was, and
// says so.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	bounded := plusOne("counted")
	bounded.Increment.Min = []byte("0")
	kinds := map[string][]store.Op{
		"a put":           {put("put", `2`)},
		"a delete":        {remove("deleted")},
		"an increment":    {plusOne("counted")},
		"evaluated":       {bounded},
		"a batch":         {put("put", `2`), remove("deleted"), plusOne("counted")},
		"a mixed batch":   {put("put", `2`), bounded},
		"a put of a kind": {store.Op{Kind: store.Put, Ref: ref("put"), Value: put("put", `3`).Value, If: store.IfVersion(1)}},
	}
	for cut, there := range map[testenv.CommandCut]bool{testenv.LoseCommand: false, testenv.LoseReply: true} {
		for name, ops := range kinds {
			t.Run(fmt.Sprintf("%s, written %v", name, there), func(t *testing.T) {
				t.Parallel()
				f, proxy := throughProxy(t)
				f.apply(put("put", `1`), put("deleted", `1`), plusOne("counted"))
				f.apply(plusOne("other"), bounded) // the server knows the scripts
				f.apply(remove("none"))
				before := f.get(ops[0].Ref.Key).Version
				proxy.OnCommand(func(words []string) testenv.CommandCut {
					if writes(words) {
						return cut
					}
					return testenv.PassOn
				})
				_, err := f.Apply(t.Context(), store.Batch{Ops: ops})
				fails(t, "Apply", err, store.Ambiguous)
				proxy.OnCommand(nil)
				for _, op := range ops {
					if e := f.get(op.Ref.Key); (e.Version > before) != there && op.Ref == ops[0].Ref {
						t.Errorf("%s went from version %d to %d", op.Ref.Key, before, e.Version)
					}
				}
				f.apply(put("after", `1`))
				sound(t, f.Store)
			})
		}
	}
}

// TestConnectionsRefused has no connection come about. Nothing has been sent then, and
// the store knows that nothing is written.
func TestConnectionsRefused(t *testing.T) {
	t.Parallel()
	f, proxy := throughProxy(t)
	f.apply(put("a", `1`))
	proxy.Refuse()
	proxy.CutAll()
	poll(t, "the link to break", func() bool {
		_, err := f.Get(t.Context(), []store.Ref{ref("a")})
		return err != nil
	})
	for i := range 100 {
		_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{put("a", `2`)}})
		fails(t, "Apply", err, store.Unavailable)
		_, err = f.Apply(t.Context(), store.Batch{Ops: []store.Op{plusOne("n"), put(strconv.Itoa(i), `1`)}})
		fails(t, "Apply of a batch", err, store.Unavailable)
		fails(t, "Install", f.Install(t.Context(), []store.Entry{{Ref: ref("i"), Version: 1}}), store.Unavailable)
	}
	proxy.Resume()
	poll(t, "the server", func() bool { return f.Ping(t.Context()) == nil })
	f.holds("a", `1`)
	sound(t, f.Store)
}

// TestConnectionsCutOff breaks all connections at once, again and again, whatever they
// are at.
func TestConnectionsCutOff(t *testing.T) {
	t.Parallel()
	f, proxy := throughProxy(t)
	l := startLoad(f, faultload.Options{})
	for range rounds(20) {
		l.AwaitAcknowledged(20)
		proxy.CutAll()
	}
	l.AwaitAcknowledged(200)
	checkLoad(f, l)
}

// TestServerSilent has the network swallow everything under load: no connection breaks,
// and nothing arrives. Clients get their answers all the same, and when the network is
// back so is the store.
func TestServerSilent(t *testing.T) {
	t.Parallel()
	f, proxy := throughProxy(t, func(o *Options) { o.ReplyTimeout = 0 })
	l := startLoad(f, faultload.Options{})
	for range rounds(2) {
		l.AwaitAcknowledged(200)
		proxy.Stall()
		l.AwaitRefused(2 * faultload.Clients)
		proxy.Resume()
	}
	l.AwaitAcknowledged(200)
	checkLoad(f, l)
}

// TestAnswersCutOff breaks connections in the middle of what the server says to a read.
// No reader gets a part, or another's answer.
func TestAnswersCutOff(t *testing.T) {
	t.Parallel()
	f, proxy := throughProxy(t)
	entries := fill(f, 50)
	for i := range 60 {
		proxy.CutAfterBytes(int64(i) * 2000)
		read, err := f.Get(t.Context(), entries.refs)
		entries.hold(t, "Get", read.Entries, err)
		page, err := f.Scan(t.Context(), store.Scan{Table: "t"})
		entries.hold(t, "Scan", page.Entries, err)
		found, err := f.Search(t.Context(), store.Query{Table: "t"})
		entries.hold(t, "Search", found.Entries, err)
	}
	if n := proxy.Counts().Cuts; n < 50 {
		t.Errorf("%d connections were cut", n)
	}
}
