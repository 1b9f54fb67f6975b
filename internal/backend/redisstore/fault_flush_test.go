package redisstore

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// TestServerEmptied has all that the server has be gone, under load, since somebody
// deletes it or since the server starts again without it. Versions and cursors are gone
// too; what is written then is the beginning of another history.
func TestServerEmptied(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(server *testenv.RedisServer){
		"deleted": func(server *testenv.RedisServer) { server.Do(t, "FLUSHALL") },
		"not kept": func(server *testenv.RedisServer) {
			server.Kill(t)
			server.Start(t)
		},
	} {
		for _, shards := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d shards", name, shards), func(t *testing.T) {
				t.Parallel()
				server := testenv.StartRedis(t, testenv.RedisOptions{})
				f := openOn(t, server.URL, inMemory, func(o *Options) { o.Shards, o.ReplyTimeout = shards, 10*time.Second })
				f.index("by", numberField("n"))
				f.apply(put("a", `{"n": 1}`))
				f.apply(put("a", `{"n": 2}`))
				poll(t, "a copy", func() bool { return f.recent("a").Source.Copy == memory })
				before, err := f.Changes(t.Context(), store.Changes{})
				if err != nil {
					t.Fatal(err)
				}
				w := startWriters(f, name == "not kept")
				w.progress()
				empty(server)
				w.progress()
				f.beginsAnew(before.Next)
				w.stop()
				f.feedHasAll()
				sound(t, f.Store)
			})
		}
	}
}

// beginsAnew holds that nothing is left of what a store had, and that it goes on.
func (f *fixture) beginsAnew(cursor store.Cursor) {
	f.t.Helper()
	poll(f.t, "it to be noticed", func() bool {
		read, err := recent{f.Store}.Get(f.t.Context(), []store.Ref{ref("a")})
		return err == nil && !read.Entries[0].Exists()
	})
	if e := f.get("a"); e.Exists() || e.Version != 0 {
		f.t.Errorf("a is %+v", e)
	}
	_, err := f.Changes(f.t.Context(), store.Changes{Since: cursor})
	fails(f.t, "Changes", err, store.Compacted)
	if defs := f.defs(); len(defs) != 0 {
		f.t.Errorf("it has the indexes %+v", defs)
	}
	if e := f.apply(put("a", `{"n": 3}`))[0]; e.Entry.Version != 1 || !e.Created {
		f.t.Errorf("a is written anew at version %d", e.Entry.Version)
	}
	f.index("by", numberField("n"))
	found, err := f.Search(f.t.Context(), store.Query{Table: "t", Sort: []store.Sort{{Path: "/n"}}, Limit: 1})
	if err != nil || len(found.Entries) != 1 {
		f.t.Errorf("Search gives %+v (%v)", found, err)
	}
	f.holds("a", `{"n": 3}`)
}

// feedHasAll holds that a reader of the feed comes to what is stored.
func (f *fixture) feedHasAll() {
	f.t.Helper()
	seen := make(map[store.Ref]int64)
	for since, more := store.Cursor(""), true; more; {
		feed, err := f.Changes(f.t.Context(), store.Changes{Since: since, Limit: 10})
		if err != nil {
			f.t.Fatalf("Changes: %v", err)
		}
		for _, x := range feed.Changes {
			seen[x.Ref] = x.Version
		}
		since, more = feed.Next, feed.More
	}
	page, err := f.Scan(f.t.Context(), store.Scan{Table: "t"})
	if err != nil || len(page.Entries) == 0 {
		f.t.Errorf("Scan gives %d entries (%v)", len(page.Entries), err)
	}
	for _, e := range page.Entries {
		if seen[e.Ref] != e.Version {
			f.t.Errorf("the feed has %v at version %d, and it is at %d", e.Ref, seen[e.Ref], e.Version)
		}
	}
}

// writers put entries all the while, and may not be refused once, unless the server goes
// down.
type writers struct {
	f    *fixture
	down bool
	all  sync.WaitGroup
	done chan struct{}
	once sync.Once

	mu    sync.Mutex
	count int
}

func startWriters(f *fixture, down bool) *writers {
	w := &writers{f: f, down: down, done: make(chan struct{})}
	for n := range 8 {
		w.all.Go(func() { w.run(n) })
	}
	f.t.Cleanup(w.stop)
	return w
}

func (w *writers) run(n int) {
	bounded := plusOne("counter")
	bounded.Increment.Min = []byte("0")
	for i := 0; ; i++ {
		select {
		case <-w.done:
			return
		case <-time.After(time.Millisecond):
		}
		op := put(strconv.Itoa(n)+"/"+strconv.Itoa(i%50), strconv.Itoa(i))
		switch i % 7 {
		case 0:
			op = remove(op.Ref.Key)
		case 1:
			op = bounded
		}
		if _, err := w.f.Apply(w.f.t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
			if code := store.CodeOf(err); !w.down || code != store.Unavailable && code != store.Ambiguous {
				w.f.t.Errorf("a write fails: %v", err)
			}
			continue
		}
		w.mu.Lock()
		w.count++
		w.mu.Unlock()
	}
}

// progress waits until some more has been written.
func (w *writers) progress() {
	w.f.t.Helper()
	now := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.count
	}
	from := now()
	poll(w.f.t, "writes to go on", func() bool { return now() > from+100 })
}

func (w *writers) stop() {
	w.once.Do(func() { close(w.done) })
	w.all.Wait()
}

// TestScriptsForgotten has the server forget the scripts that it knows, under load:
// nobody notices.
func TestScriptsForgotten(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openOn(t, server.URL, func(o *Options) { o.ReplyTimeout = 10 * time.Second })
	l := startLoad(f, faultload.Options{})
	for range rounds(20) {
		l.AwaitAcknowledged(20)
		server.Do(t, "SCRIPT", "FLUSH")
	}
	checkLoad(f, l)
	if n := l.Refused(); n > 0 {
		t.Errorf("%d writes were refused", n)
	}
}

// TestConnectionsKilled has an operator break all connections again and again, under
// load.
func TestConnectionsKilled(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openOn(t, server.URL)
	l := startLoad(f, faultload.Options{})
	for range rounds(20) {
		l.AwaitAcknowledged(20)
		server.Do(t, "CLIENT", "KILL", "TYPE", "normal")
	}
	l.AwaitAcknowledged(100)
	checkLoad(f, l)
}
