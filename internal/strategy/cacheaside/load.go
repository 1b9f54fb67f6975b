package cacheaside

import (
	"context"
	"time"

	"larder/internal/store"
)

// load reads an entry of which the memory has no good copy: from the cache or else from
// the primary. Who comes while another loads the same entry waits for that one.
func (s *Store) load(ctx context.Context, refs []store.Ref, fresh store.Freshness, want need, why store.Forwarded) (store.Read, error) {
	ref := refs[0]
	if err := ref.Validate(); err != nil {
		return store.Read{}, err
	}
	if fresh.OnlyCopy {
		return s.onlyCopy(ctx, ref, want)
	}
	f, leads := s.flights.join(ref)
	if !leads {
		read, done := s.follow(ctx, f, ref, want)
		if done {
			return read, nil
		}
		// It failed for its leader, whose time may have been up, or it began too early.
		return s.fromPrimary(ctx, refs, why, store.Nothing)
	}
	read, err := s.lead(ctx, refs, want, why)
	s.flights.leave(ref, f, read, err)
	return read, err
}

// follow waits for the load of another, and takes what it gave if that is good.
func (s *Store) follow(ctx context.Context, f *flight, ref store.Ref, want need) (store.Read, bool) {
	end := store.TraceOf(ctx).Begin("flight", "join")
	select {
	case <-f.done:
		end("", store.CodeOf(f.err))
	case <-ctx.Done():
		end("", store.CodeOf(ctx.Err()))
		return store.Read{}, false
	}
	if f.err != nil {
		return store.Read{}, false
	}
	// It may have begun before what this reader, or somebody in this process, has seen.
	floor, _ := s.ledger.floors.floor(ref)
	e := &f.read.Entries[0]
	if e.Version < floor || e.Version < want.version || f.read.Source.Age > want.bound {
		return store.Read{}, false
	}
	s.figures.joined.Add(1)
	return f.read, true
}

// lead reads from the cache, or from the primary and fills the cache.
func (s *Store) lead(ctx context.Context, refs []store.Ref, want need, why store.Forwarded) (store.Read, error) {
	var c store.Copy
	sight := store.Nothing
	if s.worth.ask() {
		c, sight = s.look(ctx, refs[0], s.options.Lease)
		s.worth.told(sight == store.Held)
	}
	if sight == store.Leased {
		c, sight = s.await(ctx, refs[0])
	}
	if sight == store.Held {
		age, failed := s.ledger.check(&c.Entry, c.Horizon, c.Epoch, want, time.Now())
		if failed == met {
			s.figures.cacheHits.Add(1)
			s.ledger.floors.see(c.Entry.Ref, c.Entry.Version)
			s.memory.keep(&c, false)
			return served(&c, s.options.CacheName, age), nil
		}
		why = store.Stale
		if trace := store.TraceOf(ctx); trace != nil {
			trace.Note(s.options.CacheName, failed.stale())
		}
	}
	return s.fromPrimary(ctx, refs, why, sight)
}

// look asks the cache, unless it has just failed.
func (s *Store) look(ctx context.Context, ref store.Ref, lease time.Duration) (store.Copy, store.Sight) {
	if s.cache == nil {
		return store.Copy{}, store.Nothing
	}
	if !s.gate.enter() {
		store.TraceOf(ctx).Note(s.options.CacheName, "left alone, for it has failed")
		return store.Copy{}, store.Nothing
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.LookTimeout)
	defer cancel()
	c, sight, err := s.cache.Look(ctx, s.options.Space, ref, lease)
	s.answered(err)
	if err != nil {
		return store.Copy{}, store.Nothing
	}
	return c, sight
}

// answered takes note of how the cache has fared.
func (s *Store) answered(err error) {
	switch opened := s.gate.leave(err); {
	case err == nil:
	case opened:
		s.figures.cacheFailures.Add(1)
		s.options.Logger.Warn().Err(err).Str("cache", s.options.CacheName).Msg("the cache fails; reads go to the primary for a while")
	default:
		s.figures.cacheFailures.Add(1)
	}
}

// await gives another the time to fill a gap.
func (s *Store) await(ctx context.Context, ref store.Ref) (store.Copy, store.Sight) {
	const first = 2 * time.Millisecond
	timer := time.NewTimer(first)
	defer timer.Stop()
	for wait, waited := first, time.Duration(0); waited < s.options.Lease; wait *= 2 {
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return store.Copy{}, store.Nothing
		}
		if c, sight := s.look(ctx, ref, 0); sight == store.Held {
			return c, sight
		}
		waited += wait
	}
	return store.Copy{}, store.Nothing
}

// fromPrimary reads the newest, and keeps a copy. The cache is given it at once where
// somebody may wait for it, or nobody can see that it is read again: most of what is read
// once is not read twice.
func (s *Store) fromPrimary(ctx context.Context, refs []store.Ref, why store.Forwarded, sight store.Sight) (store.Read, error) {
	epoch, known := s.ledger.epochNow()
	// Of the primary only the newest will do: copies of its own have an age that adds up.
	read, err := s.primary.Get(store.WithFreshness(ctx, store.Freshness{}), refs)
	if err != nil {
		return store.Read{}, err
	}
	if why == store.Stale {
		s.figures.stale.Add(1)
	} else {
		s.figures.misses.Add(1)
	}
	e := &read.Entries[0]
	s.ledger.floors.see(e.Ref, e.Version)
	if known {
		c := &store.Copy{Entry: *e, Horizon: read.Horizon, Epoch: epoch}
		atOnce := sight != store.Nothing || s.memory == nil
		s.memory.keep(c, !atOnce)
		if atOnce {
			s.share(c)
		}
	}
	read.Source.Why = why
	return read, nil
}

// share puts a copy in the cache, without waiting for it.
func (s *Store) share(c *store.Copy) {
	if s.cache != nil && s.gate.open() {
		s.filler.fill(c)
	}
}

// onlyCopy gives a copy or fails.
func (s *Store) onlyCopy(ctx context.Context, ref store.Ref, want need) (store.Read, error) {
	if want.bound == 0 {
		want.bound = s.options.Staleness
	}
	read, ok := s.copyOf(ctx, ref, want)
	if !ok {
		return store.Read{}, &store.Error{Code: store.NotCached, Ref: ref, Detail: "no cache has a copy of this entry that will do"}
	}
	return read, nil
}

// copyOf finds a good copy, without asking the primary.
func (s *Store) copyOf(ctx context.Context, ref store.Ref, want need) (store.Read, bool) {
	if c, found := s.memory.get(ref); found {
		if age, good := s.ledger.judge(c.entry(), c.horizon, c.epoch, want, time.Now()); good {
			s.figures.memoryHits.Add(1)
			store.TraceOf(ctx).Note(memoryName, "hit")
			return c.read(age), true
		}
	}
	c, sight := s.look(ctx, ref, 0)
	if sight != store.Held {
		return store.Read{}, false
	}
	age, good := s.ledger.judge(&c.Entry, c.Horizon, c.Epoch, want, time.Now())
	if !good {
		return store.Read{}, false
	}
	s.figures.cacheHits.Add(1)
	s.ledger.floors.see(ref, c.Entry.Version)
	s.memory.keep(&c, false)
	return served(&c, s.options.CacheName, age), true
}
