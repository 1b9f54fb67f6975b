package redisstore

import (
	"context"
	"errors"

	"github.com/redis/rueidis"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// buildChunk is how many entries are added to an index at a time. Writers have theirs
// in between.
const buildChunk = 250

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

// filling is the adding of a shard's entries to an index.
type filling struct {
	s     *Store
	link  *link
	shard *shard
	table string
	id    uint64
	rest  []setSpan // of the keys
}

// all adds them, some at a time. It fails with NotFound where the table no longer has
// the index.
func (f *filling) all(ctx context.Context) error {
	for f.rest = []setSpan{allKeys("")}; len(f.rest) > 0; {
		if err := f.change(ctx, f.some); err != nil {
			return err
		}
	}
	return f.finish(ctx)
}

// finish says that the index is ready.
func (f *filling) finish(ctx context.Context) error {
	return f.change(ctx, func(ctx context.Context, c *catalog, x *index) error {
		ready := *x
		ready.ready = true
		_, err := f.s.redefine(ctx, f.link, f.shard, f.table, c, x, &ready)
		return err
	})
}

func (f *filling) change(ctx context.Context, do func(context.Context, *catalog, *index) error) error {
	return f.s.change(ctx, f.link, f.shard, f.table, func(c *catalog) error {
		x := c.withID(f.id)
		if x == nil {
			return f.s.dropped()
		}
		return do(ctx, c, x)
	})
}

// some adds the next ones, also what has expired: it is in indexes until it is cleared
// up.
func (f *filling) some(ctx context.Context, c *catalog, x *index) error {
	n := min(buildChunk, f.s.options.ScriptEntries)
	found, err := f.s.readChunk(ctx, f.link, f.shard, &chunkOf{
		table: f.table, catalog: c, spans: f.rest, most: n, looks: n, expired: true,
	})
	if err != nil {
		return err
	}
	if err := f.add(ctx, c, x, found); err != nil {
		return err
	}
	f.rest = found.rest
	return nil
}

func (f *filling) add(ctx context.Context, c *catalog, x *index, found *chunk) error {
	keys := []string{f.shard.state(f.table), x.set}
	args := []string{f.s.clock(), c.stands(), f.shard.entry(store.Ref{Table: f.table})}
	var added []string
	for i, key := range found.keys {
		v, err := storedValue(found.records[i])
		if err != nil {
			return f.s.damage(err)
		}
		p := x.Place(v)
		switch {
		case !p.Indexed:
			continue
		case p.Long && !x.long:
			if err := f.s.lengthen(ctx, f.link, f.shard, f.table, c, x); err != nil {
				return err
			}
			return errMoved
		}
		var alone []byte
		if p.Whole && x.Def.Unique {
			alone = p.Fields
		}
		added = append(added, key)
		keys = append(keys, f.shard.entry(store.Ref{Table: f.table, Key: key}))
		args = append(args, string(found.records[i][1:17]), string(sortedindex.Join(p.Fields, key)), string(alone))
	}
	if len(added) == 0 {
		return nil
	}
	answer, err := f.s.scripts.build.Exec(ctx, f.link.client, keys, args).ToArray()
	if err != nil {
		return f.s.refusal(ctx, err)
	}
	return f.added(added, answer)
}

// added takes in what became of them.
func (f *filling) added(keys []string, answer []rueidis.RedisMessage) error {
	word, err := answer[0].ToString()
	switch {
	case err != nil:
		return f.s.damage(err)
	case word == "ok":
		return nil
	case word == "taken" && len(answer) == 3:
		at, err := answer[1].AsInt64()
		if err != nil {
			return f.s.damage(err)
		}
		holder, err := answer[2].ToString()
		if err != nil {
			return f.s.damage(err)
		}
		return &brokenIndex{key: keys[at-1], holder: holder}
	}
	return errMoved
}
