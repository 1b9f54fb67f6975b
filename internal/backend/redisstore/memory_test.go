package redisstore

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/value"
)

// inMemory has a store keep entries, for a long time.
func inMemory(o *Options) { o.CacheBytes, o.CacheAge = 16<<20, time.Minute }

// TestOwnWritesAreSeen writes and reads what was written, 100,000 times, on keys that
// others read all the time and so keep in memory.
func TestOwnWritesAreSeen(t *testing.T) {
	t.Parallel()
	const clients, pairs = 16, 100_000
	f := open(t, inMemory)
	var all sync.WaitGroup
	var stale, fromMemory [clients]int
	for c := range clients {
		all.Go(func() {
			key := strconv.Itoa(c)
			for i := range pairs / clients {
				version := f.apply(put(key, strconv.Itoa(i)))[0].Entry.Version
				read := f.recent(key)
				if read.Entries[0].Version < version {
					stale[c]++
				}
				other := f.recent(strconv.Itoa((c + 1) % clients)) // which its owner then finds in memory
				if other.Source.Copy != "" {
					fromMemory[c]++
				}
			}
		})
	}
	all.Wait()
	sum, hits := 0, 0
	for c := range clients {
		sum += stale[c]
		hits += fromMemory[c]
	}
	if sum > 0 {
		t.Errorf("%d of %d reads did not see the write before them", sum, pairs)
	}
	if f.cache.hits.Load() < pairs/20 {
		t.Errorf("only %d reads were answered from memory, of others' keys %d: that shows nothing", f.cache.hits.Load(), hits)
	}
	t.Logf("%d pairs, %d stale; %d hits, %d misses, %d copies passed over", pairs, sum, f.cache.hits.Load(), f.cache.misses.Load(), f.cache.passed.Load())
}

// TestCopiesBelowTheirFloor raises a floor above what is in memory.
func TestCopiesBelowTheirFloor(t *testing.T) {
	t.Parallel()
	f := open(t, inMemory)
	const key = "k"
	f.apply(put(key, `0`))
	f.recent(key)
	if read := f.recent(key); read.Source.Copy != memory {
		t.Fatalf("the entry is not kept in memory: %+v", read.Source)
	}
	e := f.get(key)
	f.cache.floors.raise(e.Ref, e.Version+1, time.Now())
	if read := f.recent(key); read.Source.Copy != "" {
		t.Errorf("a copy below its floor was served: %+v", read)
	}
}

// TestOthersWritesAreSeen has another store write what this one keeps in memory: the
// server tells it, long before the copy is too old.
func TestOthersWritesAreSeen(t *testing.T) {
	t.Parallel()
	f := open(t, inMemory)
	other := f.beside()
	f.apply(put("k", `0`))
	for i := 1; i < 200; i++ {
		poll(t, "a copy", func() bool { return f.recent("k").Source.Copy == memory })
		want := other.apply(put("k", strconv.Itoa(i)))[0].Entry.Version
		began := time.Now()
		poll(t, "the other's write", func() bool { return f.recent("k").Entries[0].Version >= want })
		if took := time.Since(began); took > f.cache.bound/2 {
			t.Fatalf("it took %s to see it, as if nobody had told", took)
		}
	}
	other.apply(remove("k"))
	poll(t, "the deletion", func() bool { return !f.recent("k").Entries[0].Exists() })
	poll(t, "the deletion in memory", func() bool { return f.recent("k").Source.Copy == memory })
	if e := f.recent("k").Entries[0]; e.Exists() || e.Version != 201 || !e.Value.IsZero() {
		t.Errorf("the deleted entry is %+v", e)
	}
	poll(t, "what never was in memory", func() bool { return f.recent("never").Source.Copy == memory })
	other.apply(put("never", `1`))
	poll(t, "what now is", func() bool { return f.recent("never").Entries[0].Exists() })
}

// TestOnlyTheNewest reads past the memory where nothing else will do.
func TestOnlyTheNewest(t *testing.T) {
	t.Parallel()
	f := open(t, inMemory)
	f.apply(put("k", `1`))
	poll(t, "a copy", func() bool { return f.recent("k").Source.Copy == memory })
	read, err := f.Get(t.Context(), []store.Ref{ref("k")})
	if err != nil || read.Source.Copy != "" {
		t.Errorf("the newest came from %+v (%v)", read.Source, err)
	}
}

// TestYoungerThanAsked reads with a bound that is closer than the store's own.
func TestYoungerThanAsked(t *testing.T) {
	t.Parallel()
	f := open(t, inMemory)
	f.apply(put("k", `1`))
	read := func(within time.Duration) store.Source {
		t.Helper()
		ctx := store.WithFreshness(t.Context(), store.Freshness{Recent: true, MaxAge: within})
		read, err := f.Get(ctx, []store.Ref{ref("k")})
		if err != nil {
			t.Fatal(err)
		}
		return read.Source
	}
	poll(t, "a copy", func() bool { return read(time.Hour).Copy == memory })
	for range 100 {
		if from := read(time.Nanosecond); from.Copy == memory {
			t.Fatalf("a copy that is %s old was served where one of 1 ns was asked for", from.Age)
		}
	}
	poll(t, "a copy young enough", func() bool { from := read(10 * time.Second); return from.Copy == memory && from.Age <= 10*time.Second })
}

// TestBrokenLinkEmptiesMemory cuts the link: what the server would have told in the
// meantime is not known, so nothing that was in memory counts any more.
func TestBrokenLinkEmptiesMemory(t *testing.T) {
	t.Parallel()
	site := testenv.Redis(t)
	proxy := testenv.ProxyRedis(t, site.URL)
	f := open(t, inMemory, func(o *Options) { o.URL, o.Prefix = proxy.URL, site.Prefix })
	other := f.beside(func(o *Options) { o.URL = site.URL })
	for i := range 20 {
		want := other.apply(put("k", strconv.Itoa(i)))[0].Entry.Version
		poll(t, "a copy", func() bool {
			read := f.recent("k")
			return read.Source.Copy == memory && read.Entries[0].Version == want
		})
		emptied := f.cache.emptied.Load()
		proxy.Refuse()
		proxy.CutAll()
		poll(t, "the link to break", func() bool { return f.cache.emptied.Load() > emptied })
		want = other.apply(put("k", strconv.Itoa(-i)))[0].Entry.Version
		proxy.Resume()
		var read store.Read
		poll(t, "the server", func() (ok bool) {
			var err error
			read, err = recent{f.Store}.Get(t.Context(), []store.Ref{ref("k")})
			return err == nil
		})
		if got := read.Entries[0].Version; got != want {
			t.Fatalf("after the link broke version %d was served from %+v, and there is %d", got, read.Source, want)
		}
	}
}

// TestSilentLinkBoundsAge has a link on which nothing comes through any more, and
// which does not break: no copy is served that is older than it may get.
func TestSilentLinkBoundsAge(t *testing.T) {
	t.Parallel()
	site := testenv.Redis(t)
	proxy := testenv.ProxyRedis(t, site.URL)
	const age = 300 * time.Millisecond
	f := open(t, inMemory, func(o *Options) {
		o.URL, o.Prefix, o.CacheAge, o.ReplyTimeout = proxy.URL, site.Prefix, age, time.Minute
	})
	other := f.beside(func(o *Options) { o.URL = site.URL })
	old := other.apply(put("k", `1`))[0].Entry.Version
	poll(t, "a copy", func() bool { return f.recent("k").Source.Copy == memory })
	proxy.StallAnswers()
	other.apply(put("k", `2`))
	written := time.Now()
	served := 0
	for {
		began := time.Now()
		ctx, cancel := contextOf(t, time.Second)
		read, err := recent{f.Store}.Get(ctx, []store.Ref{ref("k")})
		cancel()
		if err != nil {
			break // nothing is in memory, and the server does not answer
		}
		if read.Entries[0].Version == old {
			served++
			if late := began.Sub(written); late > age+50*time.Millisecond {
				t.Fatalf("a copy was served %s after it was overwritten, from %+v", late, read.Source)
			}
		}
	}
	if served == 0 {
		t.Error("the copy was never served: that shows nothing")
	}
	proxy.Resume()
}

// TestMemoryIsBounded keeps no more than it may.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	f := open(t, inMemory, func(o *Options) { o.CacheBytes = 256 << 10 })
	big := value.MustParse(`"` + strings.Repeat("x", 8<<10) + `"`)
	for i := range 200 {
		f.apply(store.Op{Kind: store.Put, Ref: ref(strconv.Itoa(i)), Value: big})
		f.recent(strconv.Itoa(i))
	}
	before := f.cache.hits.Load()
	for i := range 200 {
		f.recent(strconv.Itoa(i))
	}
	if hits := f.cache.hits.Load() - before; hits > 40 {
		t.Errorf("%d entries of 200 were in memory, which has room for some ten", hits)
	}
}

// TestExpiredIsNotServedFromMemory lets an entry that is in memory come to its end.
func TestExpiredIsNotServedFromMemory(t *testing.T) {
	t.Parallel()
	f := open(t, inMemory)
	op := put("k", `1`)
	op.Expiry = store.ExpiresIn(400 * time.Millisecond)
	ends := f.apply(op)[0].Entry.ExpiresAt
	hits := 0
	for {
		read := f.recent("k")
		if read.Source.Copy == memory {
			hits++
		}
		if !read.Entries[0].Exists() {
			break
		}
		if late := time.Since(ends); late > 100*time.Millisecond { // the server's clock is this host's
			t.Fatalf("served %s after its end, from %+v", late, read.Source)
		}
	}
	if hits == 0 {
		t.Error("it was never served from memory: that shows nothing")
	}
}

// TestFloorsAreBounded raises more floors than are remembered: then no copy is served.
func TestFloorsAreBounded(t *testing.T) {
	t.Parallel()
	floors, now := newFloors(time.Minute), time.Now()
	for i := range len(floors.parts) * mostFloors * 2 {
		floors.raise(ref(strconv.Itoa(i)), int64(i)+1, now)
	}
	for i := range len(floors.parts) * mostFloors * 2 {
		if floor, closed := floors.of(ref(strconv.Itoa(i)), now); floor != int64(i)+1 && !closed {
			t.Fatalf("the floor of %d is %d, and copies are served", i, floor)
		}
	}
	if _, closed := floors.of(ref("0"), now.Add(2*time.Minute)); closed {
		t.Error("later they are not served either")
	}
}
