package redisstore

import (
	"context"
	"sync"
	"sync/atomic"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// Search narrows by an index where one helps, holds each candidate against the
// filter, and stops early where candidates come in the query's order. What it gives is
// a shard's at one moment (searchmoment.go), and each shard has its own.
func (s *Store) Search(ctx context.Context, q store.Query) (store.Found, error) {
	r, err := s.newSearch(ctx, q)
	if err != nil {
		return store.Found{}, err
	}
	pages := make([]*store.Collector, len(r.link.shards))
	plan, err := r.eachShard(ctx, func(ctx context.Context, d *shard) (store.Plan, error) {
		return r.attempts(ctx, d, func(spare int) matches {
			pages[d.index] = r.query.CollectSpare(spare)
			return page{pages[d.index]}
		})
	})
	if err != nil {
		return store.Found{}, err
	}
	top := pages[0]
	if len(pages) > 1 {
		top = r.query.Collect(false)
		for _, part := range pages {
			for _, e := range part.Entries() {
				top.Add(e)
			}
		}
	}
	found := top.Found()
	found.Plan = plan
	return found, nil
}

// Count counts what matches. Where an index answers the whole filter, entries are not
// looked at.
func (s *Store) Count(ctx context.Context, q store.Query) (store.Counted, error) {
	r, err := s.newSearch(ctx, store.Query{Table: q.Table, Filter: q.Filter, Budget: q.Budget})
	if err != nil {
		return store.Counted{}, err
	}
	var count atomic.Int64
	plan, err := r.eachShard(ctx, func(ctx context.Context, d *shard) (store.Plan, error) {
		n, plan, counted, err := r.countBySets(ctx, d)
		if err != nil || counted {
			count.Add(n)
			return plan, err
		}
		var t *tally
		plan, err = r.attempts(ctx, d, func(int) matches {
			t = newTally()
			return t
		})
		if err == nil {
			count.Add(t.count())
		}
		return plan, err
	})
	return store.Counted{Count: count.Load(), Plan: plan}, err
}

// search is a query on its way through the shards.
type search struct {
	s       *Store
	link    *link
	query   *store.Compiled
	scanned atomic.Int64 // entries looked at without an index
}

func (s *Store) newSearch(ctx context.Context, q store.Query) (*search, error) {
	c, err := q.Compile(s.options.Limits)
	if err != nil {
		return nil, err
	}
	l, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	return &search{s: s, link: l, query: c}, nil
}

// eachShard asks all shards, and joins what they say of how they answered: by an index
// only where all did.
func (r *search) eachShard(ctx context.Context, ask func(context.Context, *shard) (store.Plan, error)) (store.Plan, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	plans := make([]store.Plan, len(r.link.shards))
	var once sync.Once
	var failed error // the first, which ends the others
	err := eachShard(r.link, func(d *shard) (err error) {
		if plans[d.index], err = ask(ctx, d); err != nil {
			once.Do(func() { failed = err })
			cancel()
		}
		return err
	})
	if err != nil {
		return store.Plan{}, failed
	}
	plan := plans[0]
	for _, p := range plans[1:] {
		plan.Scanned += p.Scanned
		if p.Mode == store.ByScan {
			plan.Mode, plan.Index = store.ByScan, ""
		}
	}
	return plan, nil
}

// planOf says how a shard was asked.
func (r *search) planOf(a *sortedindex.Access, scanned int64) store.Plan {
	p := store.Plan{Backend: r.s.options.Name, Mode: store.ByScan, Scanned: scanned}
	if a.Index != nil {
		p.Mode, p.Index = store.ByIndex, a.Index.Def.Name
	}
	return p
}
