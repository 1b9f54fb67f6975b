package redisstore

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// repairEvery is how many rounds of clearing up lie between two of looking after
// indexes.
const repairEvery = 10

// repairLoop sees, once there is a link and then now and then, to what others have
// left unfinished.
func (s *Store) repairLoop() {
	const soon = time.Second
	failing := false
	for wait := time.Duration(0); ; {
		timer := time.NewTimer(wait)
		select {
		case <-s.lifetime.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		err := s.repairIndexes(s.lifetime)
		if err != nil && !failing && s.lifetime.Err() == nil && s.link.Load() != nil {
			s.options.Logger.Warn().Err(err).Msg("the indexes can't be looked at; larder goes on trying")
		}
		if err == nil {
			s.tallies.repairs.Add(1)
		}
		if failing, wait = err != nil, repairEvery*s.options.Retention.Interval; failing {
			wait = min(wait, soon)
		}
	}
}

// repairIndexes goes on building what is not ready everywhere, and drops what was
// dropped at home only.
func (s *Store) repairIndexes(ctx context.Context) error {
	l, err := s.enter(ctx)
	if err != nil {
		return err
	}
	home, err := s.allCatalogs(ctx, l, l.home())
	if err != nil {
		return err
	}
	for _, c := range home {
		for _, x := range c.indexes {
			if !x.ready {
				s.build(l, x)
			}
		}
	}
	return eachShard(l, func(d *shard) error {
		if d == l.home() {
			return nil
		}
		return s.repairShard(ctx, l, d, home)
	})
}

// repairShard has a shard follow what the home shard has. Who is to build or to drop
// looks again, so it does not matter that others may just be at it.
func (s *Store) repairShard(ctx context.Context, l *link, d *shard, home map[string]*catalog) error {
	own, err := s.allCatalogs(ctx, l, d)
	if err != nil {
		return err
	}
	for table, c := range own {
		at := cmp.Or(home[table], none)
		if slices.ContainsFunc(c.indexes, func(x *index) bool { return !at.has(x) }) {
			if err := s.dropStrays(ctx, l, table); err != nil {
				return err
			}
		}
	}
	for table, c := range home {
		at := cmp.Or(own[table], none)
		for _, x := range c.indexes {
			if y := at.named(x.Def.Name); y == nil || !y.ready || !y.Def.SameDefinition(x.Def) {
				s.build(l, x)
			}
		}
	}
	return nil
}

// allCatalogs reads those of all tables of a shard that have had indexes.
func (s *Store) allCatalogs(ctx context.Context, l *link, d *shard) (map[string]*catalog, error) {
	tables, err := l.client.Do(ctx, l.client.B().Smembers().Key(d.tables).Build()).AsStrSlice()
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	all := make(map[string]*catalog)
	for some := range slices.Chunk(tables, s.options.ScriptEntries) {
		found, err := s.readCatalogs(ctx, l, d, some)
		if err != nil {
			return nil, err
		}
		for i, c := range found {
			if c.generation > 0 {
				all[some[i]] = c
			}
		}
	}
	return all, nil
}
