package redisstore

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// TestServerEmptied has somebody delete all that the server has, under load. What was
// there is gone, as are versions and cursors; what is written then is the beginning of
// another history.
func TestServerEmptied(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{1, 3} {
		t.Run(strconv.Itoa(shards)+" shards", func(t *testing.T) {
			t.Parallel()
			server := testenv.StartRedis(t, testenv.RedisOptions{})
			f := openOn(t, server.URL, inMemory, func(o *Options) { o.Shards, o.ReplyTimeout = shards, 10*time.Second })
			f.apply(put("a", `1`))
			f.apply(put("a", `2`))
			poll(t, "a copy", func() bool { return f.recent("a").Source.Copy == memory })
			before, err := f.Changes(t.Context(), store.Changes{})
			if err != nil {
				t.Fatal(err)
			}
			w := startWriters(f)
			w.progress()
			server.Do(t, "FLUSHALL")
			w.progress()

			poll(t, "it to be noticed", func() bool { return !f.recent("a").Entries[0].Exists() })
			if e := f.get("a"); e.Exists() || e.Version != 0 {
				t.Errorf("a is %+v", e)
			}
			_, err = f.Changes(t.Context(), store.Changes{Since: before.Next})
			fails(t, "Changes", err, store.Compacted)
			if e := f.apply(put("a", `3`))[0]; e.Entry.Version != 1 || !e.Created {
				t.Errorf("a is written anew at version %d", e.Entry.Version)
			}
			w.stop()
			f.feedHasAll()
			f.holds("a", `3`)
			sound(t, f.Store)
		})
	}
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

// writers put entries all the while, and may not be refused once.
type writers struct {
	f    *fixture
	all  sync.WaitGroup
	done chan struct{}
	once sync.Once

	mu    sync.Mutex
	count int
}

func startWriters(f *fixture) *writers {
	w := &writers{f: f, done: make(chan struct{})}
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
			w.f.t.Errorf("a write fails: %v", err)
			return
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
