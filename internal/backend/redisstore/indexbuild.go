package redisstore

import (
	"context"
	"errors"

	"larder/internal/store"
)

// brokenIndex says which entries keep an index from being unique.
type brokenIndex struct{ key, holder string }

func (*brokenIndex) Error() string { return "two entries break a unique index" }

// buildIndex has an index that is defined at home be in all shards, and ready. Where
// that has been done, or is being done by another store, it is done once that is so.
func (s *Store) buildIndex(ctx context.Context, l *link, x *index) error {
	right, err := s.lease(ctx, l, x)
	if err != nil {
		return err
	}
	err = eachShard(l, func(d *shard) error {
		if d == l.home() {
			return nil
		}
		return s.buildIn(ctx, l, d, x)
	})
	if err == nil {
		err = s.buildIn(ctx, l, l.home(), x)
	}
	broken, isBroken := errors.AsType[*brokenIndex](err)
	right.end(ctx, broken)
	switch {
	case isBroken:
		if err := s.withdraw(ctx, l, x); err != nil {
			return err
		}
		return s.violation(x, store.Ref{Table: x.Table, Key: broken.key}, broken.holder)
	case errors.Is(err, store.NotFound) && len(l.shards) > 1:
		if err := s.dropStrays(ctx, l, x.Table); err != nil {
			return err
		}
	}
	return err
}

// withdraw drops an index that can't be.
func (s *Store) withdraw(ctx context.Context, l *link, x *index) error {
	return s.change(ctx, l, l.home(), x.Table, func(c *catalog) error {
		if own := c.withID(x.id); own != nil {
			_, err := s.redefine(ctx, l, l.home(), x.Table, c, own, nil)
			return err
		}
		return nil
	})
}

// buildIn has an index be in one shard, and ready there.
func (s *Store) buildIn(ctx context.Context, l *link, d *shard, x *index) error {
	for {
		own, err := s.own(ctx, l, d, x)
		if err != nil || own.ready {
			return err
		}
		f := filling{s: s, link: l, shard: d, table: x.Table, id: own.id}
		if err := f.all(ctx); err == nil || d == l.home() || !errors.Is(err, store.NotFound) {
			return err
		}
	}
}

// own gives what an index is in a shard, where it is defined first if it has not been.
func (s *Store) own(ctx context.Context, l *link, d *shard, x *index) (own *index, err error) {
	err = s.change(ctx, l, d, x.Table, func(c *catalog) error {
		if d == l.home() {
			if own = c.withID(x.id); own == nil {
				return s.dropped()
			}
			return nil
		}
		home, err := s.readCatalog(ctx, l, l.home(), x.Table)
		if err != nil {
			return err
		}
		if home.withID(x.id) == nil {
			return s.dropped()
		}
		own = c.named(x.Def.Name)
		if own != nil && own.Def.SameDefinition(x.Def) {
			return nil
		}
		own, err = s.redefine(ctx, l, d, x.Table, c, own, &index{Index: x.Index})
		return err
	})
	return own, err
}
