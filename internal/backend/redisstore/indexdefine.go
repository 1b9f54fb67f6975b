package redisstore

import (
	"cmp"
	"context"
	"errors"
	"time"

	"larder/internal/store"
)

// redefine has an index be next where it was old, in one shard: nil is none. It gives
// it as it then is. What is left of an index that is gone, goes with it. It fails with
// errMoved where the table's indexes are no longer those of the catalog.
//
// Each time they are another generation, in which next is given its id where it has
// none. Whoever knows the last one only can't write to the table until he has learned
// of this one, so an index misses no write from here on. A generation is a time as
// well, so that one that a server has lost is not taken for another that came later.
func (s *Store) redefine(ctx context.Context, l *link, d *shard, table string, from *catalog, old, next *index) (*index, error) {
	return s.redefineFrom(ctx, l, d, table, from, old, next, "")
}

// redefineFrom does so only where the index still stands as it is said to; "" for
// however it does.
func (s *Store) redefineFrom(ctx context.Context, l *link, d *shard, table string, from *catalog, old, next *index, stands string) (*index, error) {
	to := &catalog{generation: max(from.generation+1, uint64(micros(time.Now())))}
	keys := []string{d.tables, d.state(table), d.indexes(table)}
	script, record := s.scripts.drop, ""
	name := cmp.Or(next, old).Def.Name
	if next != nil {
		made := *next
		if made.id == 0 {
			made.id = to.generation
			made.set = d.indexSet(table, made.id)
		}
		var err error
		if record, err = made.encode(); err != nil {
			return nil, s.damage(err)
		}
		script, next = s.scripts.define, &made
	}
	if old != nil && (next == nil || next.id != old.id) {
		keys = append(keys, old.set)
	}
	done, err := script.Exec(ctx, l.client, keys, []string{from.stands(), to.stands(), table, name, stands, record}).AsInt64()
	switch {
	case err != nil:
		return nil, s.outcome(ctx, err)
	case done == 0:
		return nil, errMoved
	}
	return next, nil
}

// lengthen marks an index as one that holds fields that are cut. Nobody minds whether
// one that holds none is marked, so an error never leaves anything in doubt.
func (s *Store) lengthen(ctx context.Context, l *link, d *shard, table string, from *catalog, x *index) error {
	next := *x
	next.long = true
	_, err := s.redefine(ctx, l, d, table, from, x, &next)
	if errors.Is(err, store.Ambiguous) {
		return s.fail(store.Unavailable, "the connection to the Redis server broke", err)
	}
	return err
}

// change reads a table's catalog and has change alter it, as often as others do so in
// between.
func (s *Store) change(ctx context.Context, l *link, d *shard, table string, change func(c *catalog) error) error {
	for attempt := 0; ; attempt++ {
		if attempt > 0 {
			if err := s.pause(ctx, attempt); err != nil {
				return err
			}
		}
		c, err := s.readCatalog(ctx, l, d, table)
		if err != nil {
			return err
		}
		if err := change(c); !errors.Is(err, errMoved) {
			return err
		}
	}
}
