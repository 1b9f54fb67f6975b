package redisstore

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// failOver kills the master under load, waits for another, and gives the number of
// acknowledged writes that are lost with it. From then on versions only grow from what
// the new master has.
func failOver(f *fixture, l *faultload.Load, site *testenv.SentinelServers) (old *testenv.RedisServer, lost int) {
	f.t.Helper()
	old = site.Master(f.t)
	l.AwaitAcknowledged(300)
	l.Halt()
	old.Kill(f.t)
	l.AwaitHalted()
	site.AwaitFailover(f.t, old)
	poll(f.t, "the new master", func() bool {
		_, err := f.Get(f.t.Context(), []store.Ref{ref("a")})
		return err == nil
	})
	lost = l.Settle()
	l.GoOn()
	return old, lost
}

// asked is how often a server was asked for anything by scripts since it was started.
// What it is sent by its master is no script.
func asked(t testing.TB, server *testenv.RedisServer) (scripts []string) {
	t.Helper()
	for name, stats := range server.Info(t, "commandstats") {
		if strings.HasPrefix(name, "cmdstat_eval") {
			scripts = append(scripts, name+":"+stats)
		}
	}
	return scripts
}

// TestFailover has one of two servers take over from the other, under load, and then the
// other from it. The old master comes back as a replica, which nobody reads from.
func TestFailover(t *testing.T) {
	t.Parallel()
	site := testenv.StartSentinel(t, testenv.RedisOptions{})
	f := openOn(t, site.URL)
	l := startLoad(f, faultload.Options{})
	for range rounds(2) {
		old, lost := failOver(f, l, site)
		t.Logf("%d acknowledged writes were lost", lost)
		l.AwaitAcknowledged(200)
		old.Start(t)
		l.AwaitAcknowledged(200)
		site.AwaitReplicas(t)
		if scripts := asked(t, old); scripts != nil {
			t.Errorf("the old master was asked: %v", scripts)
		}
	}
	l.AwaitAcknowledged(200)
	checkLoad(f, l)
}

// TestFailoverWithTooFewReplicas has a master take no writes that no replica gets. The
// one that took over has none at first: it is read from, and refuses writes.
func TestFailoverWithTooFewReplicas(t *testing.T) {
	t.Parallel()
	site := testenv.StartSentinel(t, testenv.RedisOptions{Settings: map[string]string{"min-replicas-to-write": "1", "min-replicas-max-lag": "2"}})
	f := openOn(t, site.URL)
	l := startLoad(f, faultload.Options{})
	old, lost := failOver(f, l, site)
	t.Logf("%d acknowledged writes were lost", lost)
	_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{put("a", `1`)}})
	fails(t, "Apply", err, store.Unavailable)
	fails(t, "Ping", f.Ping(t.Context()), store.Unavailable)
	if detail := store.AsError(err).Detail; !strings.Contains(detail, "replicas") {
		t.Errorf("it says %q", detail)
	}
	f.get("a")
	old.Start(t)
	l.AwaitAcknowledged(300)
	checkLoad(f, l)
}

// TestFailoverOnDemand has an operator make the replica the master while both live. For
// a moment the old master does not know, and takes writes that are lost; the store is with
// the new one as soon as the sentinels say so.
func TestFailoverOnDemand(t *testing.T) {
	t.Parallel()
	site := testenv.StartSentinel(t, testenv.RedisOptions{})
	f := openOn(t, site.URL)
	f.apply(put("a", `1`))
	for i := range rounds(2) {
		old := site.Master(t)
		old.Do(t, "CONFIG", "RESETSTAT")
		poll(t, "the sentinels to know of the replica", func() bool {
			_, err := site.Sentinels[0].Try("SENTINEL", "FAILOVER", "main")
			return err == nil
		})
		master := site.AwaitFailover(t, old)
		poll(t, "the store to go there", func() bool { return f.link.Load().client.Nodes()[master.Address] != nil })
		poll(t, "the new master", func() bool {
			_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{put("a", strconv.Itoa(i))}})
			return err == nil
		})
		f.holds("a", strconv.Itoa(i))
		site.AwaitReplicas(t)
		old.Do(t, "CONFIG", "RESETSTAT")
		f.holds("a", strconv.Itoa(i))
		if scripts := asked(t, old); scripts != nil {
			t.Errorf("the old master was asked: %v", scripts)
		}
	}
	sound(t, f.Store)
}

// TestFailoverFromMemory has a store answer from memory while another server takes over,
// since the master was killed or since it hangs. What is written there is seen after the
// age that copies may have, and nothing that was there before.
func TestFailoverFromMemory(t *testing.T) {
	for name, fault := range map[string]func(*testenv.RedisServer, testing.TB){
		"killed": (*testenv.RedisServer).Kill, "hanging": (*testenv.RedisServer).Pause,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const age = 200 * time.Millisecond
			site := testenv.StartSentinel(t, testenv.RedisOptions{})
			f := openOn(t, site.URL, inMemory, func(o *Options) { o.CacheAge = age })
			other := f.beside(func(o *Options) { o.CacheBytes = 0 })
			other.apply(put("k", `"before"`))
			site.AwaitReplicas(t)
			poll(t, "a copy", func() bool { return f.recent("k").Source.Copy == memory })
			r := startReaders(f)

			old := site.Master(t)
			fault(old, t)
			site.AwaitFailover(t, old)
			poll(t, "the new master", func() bool {
				_, err := other.Apply(t.Context(), store.Batch{Ops: []store.Op{put("k", `"after"`)}})
				return err == nil
			})
			r.isOver(age)
			poll(t, "what was written there", func() bool {
				read, err := recent{f.Store}.Get(t.Context(), []store.Ref{ref("k")})
				return err == nil && string(read.Entries[0].Value.Data) == `"after"`
			})
			if name == "killed" {
				old.Start(t)
			} else {
				old.Resume(t)
			}
			site.AwaitReplicas(t)
			poll(t, "a copy", func() bool { return f.recent("k").Source.Copy == memory })
			r.stop()
		})
	}
}

// readers read one key, from memory where they can, and look that nothing comes back
// that is over.
type readers struct {
	f    *fixture
	all  sync.WaitGroup
	done chan struct{}

	mu   sync.Mutex
	over time.Time // from when on what was before must not be read; zero: it may
	hits int
}

func startReaders(f *fixture) *readers {
	r := &readers{f: f, done: make(chan struct{})}
	for range 4 {
		r.all.Go(r.run)
	}
	f.t.Cleanup(r.stop)
	return r
}

// isOver tells that something else has been written, which is to be seen once a copy is
// too old for sure.
func (r *readers) isOver(age time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = time.Now().Add(age + 50*time.Millisecond)
}

func (r *readers) run() {
	for {
		select {
		case <-r.done:
			return
		case <-time.After(time.Millisecond):
		}
		began := time.Now()
		read, err := recent{r.f.Store}.Get(r.f.t.Context(), []store.Ref{ref("k")})
		if err != nil {
			if store.CodeOf(err) != store.Unavailable {
				r.f.t.Errorf("a reader gets %v", err)
			}
			continue
		}
		r.took(began, read)
	}
}

func (r *readers) took(began time.Time, read store.Read) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if read.Source.Copy == memory {
		r.hits++
	}
	if value := read.Entries[0].Value.Data; !r.over.IsZero() && began.After(r.over) && string(value) != `"after"` {
		r.f.t.Errorf("%v after it was over, %s is read from %+v", began.Sub(r.over), value, read.Source)
	}
}

func (r *readers) stop() {
	select {
	case <-r.done:
		return
	default:
	}
	close(r.done)
	r.all.Wait()
	if r.hits == 0 {
		r.f.t.Error("nothing was read from memory: that shows nothing")
	}
}
