package redisstore

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// cache is what of the entries is kept in this process (Redis's manual, Client-side
// caching). The client keeps what it has read; the server tells it what has changed
// since. When the link to the server breaks, all copies go with it.
//
// A copy is served only if it can be shown to be good: the server has answered
// something that was asked no longer ago than Options.CacheAge, so that whatever it
// had to tell before that has been told (contact); and no version is known that is
// newer, so that what this process has written or read is not undone (floors).
type cache struct {
	bound  time.Duration
	floors *floors

	hits, misses atomic.Int64 // answered from memory; asked of the server, which then is remembered
	passed       atomic.Int64 // copies that were there and could not be shown to be good
	emptied      atomic.Int64 // times that a link broke, and its copies went with it
}

// copyLife is how long the client keeps a copy of which nothing is heard.
const copyLife = 10 * time.Minute

// newCache gives nil where nothing is to be kept.
func newCache(o *Options) *cache {
	if o.CacheBytes == 0 {
		return nil
	}
	return &cache{bound: o.CacheAge, floors: newFloors(o.CacheAge)}
}

// memory is the name of the copies in an answer's Source.
const memory = "memory"

// cached gives an entry from memory; ok is false where that is not to be had, and
// the server has to be asked in the usual way, as it has to be after an error too.
func (s *Store) cached(ctx context.Context, l *link, ref store.Ref) (read store.Read, ok bool) {
	fresh := store.FreshnessOf(ctx)
	if s.cache == nil || !fresh.Recent {
		return store.Read{}, false
	}
	bound := s.cache.bound
	if fresh.MaxAge > 0 {
		bound = min(bound, fresh.MaxAge)
	}
	d := l.shardOf(ref.Key)
	contact := &l.contacts[d.index]
	// Before the copy is looked for: an answer that comes meanwhile may be of another
	// connection, and say nothing about it.
	shown, now := contact.last(), time.Now()
	c, ok := s.copyOf(ctx, l, d.entry(ref))
	if !ok {
		return store.Read{}, false
	}
	r, e, ok := s.decodeCopy(ctx, l, d, ref, &c)
	if !ok {
		return store.Read{}, false
	}
	if !c.hit {
		shown = now
		contact.answered(now)
		now = time.Now()
	}
	age := now.Sub(shown)
	floor, closed := s.cache.floors.of(ref, now)
	switch {
	case shown.IsZero() || age > bound || closed || e.Version < floor || !s.lives(contact, &r, now):
		s.cache.passed.Add(1)
		return store.Read{}, false
	case age > s.cache.bound/2 && contact.renews():
		return store.Read{}, false // by asking the server now, others need not do so soon
	}
	read = store.Read{Entries: []store.Entry{e}, Horizon: store.Horizon(r.sequence + 1)}
	if !c.hit {
		s.cache.misses.Add(1)
		s.cache.floors.raise(ref, e.Version, now)
		return read, true
	}
	s.cache.hits.Add(1)
	read.Source = store.Source{Copy: memory, Age: age}
	return read, true
}

// copied is a key's copy.
type copied struct {
	held []byte // nil: nothing
	hit  bool   // it was in memory
}

// copyOf reads a key by way of the memory.
func (s *Store) copyOf(ctx context.Context, l *link, key string) (c copied, ok bool) {
	answer := l.client.DoCache(ctx, l.client.B().Get().Key(key).Cache().ToStaticTTL(), copyLife)
	var err error
	if c.held, err = answer.AsBytes(); err != nil && !rueidis.IsRedisNil(err) {
		return copied{}, false
	}
	c.hit = answer.IsCacheHit()
	return c, true
}

// decodeCopy gives the entry as a reader sees it. One that is not there has a version
// all the same, which its table remembers.
func (s *Store) decodeCopy(ctx context.Context, l *link, d *shard, ref store.Ref, c *copied) (r record, e store.Entry, ok bool) {
	var err error
	if c.held == nil {
		t, ok := s.copyOf(ctx, l, d.state(ref.Table))
		if !ok {
			return record{}, store.Entry{}, false
		}
		c.hit = c.hit || t.hit
		state, err := decodeState(t.held)
		return record{}, state.unknown(ref), err == nil
	}
	if r, err = decodeRecord(c.held); err == nil {
		e, err = r.entry(ref)
	}
	if e.Deleted {
		e = e.Absent()
	}
	return r, e, err == nil
}

// lives says whether an entry that is in memory is certain not to have expired.
func (s *Store) lives(c *contact, r *record, now time.Time) bool {
	if r.deleted() || !r.mortal() {
		return true
	}
	if s.options.Now != nil {
		return micros(s.options.Now()) < r.expires
	}
	latest, known := c.latest(now)
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
