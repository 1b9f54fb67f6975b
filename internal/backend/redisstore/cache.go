package redisstore

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// cache is what of the entries is kept in this process (Redis's manual, Client-side
// caching). The client keeps what it has read, for Options.CacheAge at most; the
// server tells it what has changed since. That takes a moment, so floors see to it
// that what this process has written or read is not undone by a copy. When the link
// to the server breaks, all copies go with it.
type cache struct {
	age    time.Duration
	floors *floors

	hits, misses atomic.Int64 // answered from memory; asked of the server, which then is remembered
	passed       atomic.Int64 // copies that were there and could not be shown to be good
	emptied      atomic.Int64 // times that a link broke, and its copies went with it
}

// newCache gives nil where nothing is to be kept.
func newCache(o *Options) *cache {
	if o.CacheBytes == 0 {
		return nil
	}
	return &cache{age: o.CacheAge, floors: newFloors(o.CacheAge)}
}

// memory is the name of the copies in an answer's Source.
const memory = "memory"

// cached gives an entry from memory; ok is false where that is not to be had, and
// the server has to be asked in the usual way, as it has to be after an error too.
func (s *Store) cached(ctx context.Context, l *link, ref store.Ref) (read store.Read, ok bool) {
	if s.cache == nil || !store.FreshnessOf(ctx).Recent {
		return store.Read{}, false
	}
	d := l.shardOf(ref.Key)
	c, ok := s.copyOf(ctx, l, d.entry(ref))
	if !ok {
		return store.Read{}, false
	}
	r, e := record{}, store.Entry{}
	var err error
	if c.held == nil { // it has a version all the same, which the table remembers
		var t copied
		if t, ok = s.copyOf(ctx, l, d.state(ref.Table)); !ok {
			return store.Read{}, false
		}
		c.age, c.hit = max(c.age, t.age), c.hit || t.hit
		var state tableState
		state, err = decodeState(t.held)
		e = state.unknown(ref)
	} else if r, err = decodeRecord(c.held); err == nil {
		e, err = r.entry(ref)
	}
	now := time.Now()
	floor, closed := s.cache.floors.of(ref, now)
	if err != nil || closed || e.Version < floor || !s.lives(l, d, &r, now) {
		s.cache.passed.Add(1)
		return store.Read{}, false
	}
	if e.Deleted {
		e = e.Absent()
	}
	read = store.Read{Entries: []store.Entry{e}, Horizon: store.Horizon(r.sequence + 1)}
	if c.hit {
		s.cache.hits.Add(1)
		read.Source = store.Source{Copy: memory, Age: c.age}
	} else {
		s.cache.misses.Add(1)
		s.cache.floors.raise(ref, e.Version, now)
	}
	return read, true
}

// copied is a key's copy.
type copied struct {
	held []byte // nil: nothing
	hit  bool   // it was in memory
	age  time.Duration
}

// copyOf reads a key by way of the memory. The client measures ages by this host's
// clock; where that has been set back, it shows in a copy that has longer to live than
// it was given.
func (s *Store) copyOf(ctx context.Context, l *link, key string) (copied, bool) {
	answer := l.client.DoCache(ctx, l.client.B().Get().Key(key).Cache().ToStaticTTL(), s.cache.age)
	held, err := answer.AsBytes()
	if err != nil && !rueidis.IsRedisNil(err) {
		return copied{}, false
	}
	c := copied{held: held, hit: answer.IsCacheHit()}
	if c.hit {
		left := time.Duration(answer.CachePTTL()) * time.Millisecond
		if c.age = s.cache.age - left + time.Millisecond; left > s.cache.age {
			return copied{}, false
		}
	}
	return c, true
}

// lives says whether an entry that is in memory is certain not to have expired.
func (s *Store) lives(l *link, d *shard, r *record, now time.Time) bool {
	if r.deleted() || !r.mortal() {
		return true
	}
	if s.options.Now != nil {
		return micros(s.options.Now()) < r.expires
	}
	latest, known := l.clocks[d.index].latest(now)
	return known && latest < r.expires
}

// seen has no copy of these entries be served that is older.
func (c *cache) seen(entries []store.Entry) {
	if c == nil {
		return
	}
	now := time.Now()
	for i := range entries {
		if e := &entries[i]; e.Version > 0 {
			c.floors.raise(e.Ref, e.Version, now)
		}
	}
}
