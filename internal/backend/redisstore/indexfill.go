package redisstore

import (
	"context"

	"github.com/redis/rueidis"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// buildChunk is how many entries are added to an index at a time. Writers have theirs
// in between.
const buildChunk = 250

// filling is the adding of a shard's entries to an index. How far it has come is kept
// with what has been added: so another goes on where one died, and nothing is left out
// where a server forgets what it had acknowledged.
type filling struct {
	s     *Store
	link  *link
	shard *shard
	table string
	id    uint64
}

// all adds them, some at a time, and then says that the index is ready. It fails with
// NotFound where the table no longer has it.
func (f *filling) all(ctx context.Context) error {
	for ready := false; !ready; {
		err := f.change(ctx, func(ctx context.Context, c *catalog, x *index) (err error) {
			if ready = x.ready; ready {
				return nil
			}
			ready, err = f.some(ctx, c, x)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
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

// some adds the next ones, and says whether that were all, and the index is ready.
func (f *filling) some(ctx context.Context, c *catalog, x *index) (ready bool, err error) {
	found, err := f.read(ctx, c, x)
	if err != nil {
		return false, err
	}
	stands, err := f.add(ctx, c, x, found)
	if err != nil || len(found.rest) > 0 {
		return false, err
	}
	next := *x
	next.ready, next.after = true, ""
	_, err = f.s.redefineFrom(ctx, f.link, f.shard, f.table, c, x, &next, stands)
	return err == nil, err
}

// read reads the next entries, also those that have expired: they are in indexes until
// they are cleared up.
func (f *filling) read(ctx context.Context, c *catalog, x *index) (*chunk, error) {
	n := min(buildChunk, f.s.options.ScriptEntries)
	return f.s.readChunk(ctx, f.link, f.shard, &chunkOf{
		table: f.table, catalog: c, spans: []setSpan{allKeys(x.after)}, most: n, looks: n, expired: true,
	})
}

// add adds entries, and gives the index's stored form, which then says so.
func (f *filling) add(ctx context.Context, c *catalog, x *index, found *chunk) (stands string, err error) {
	next := *x
	if found.last != "" {
		next.after = found.last
	}
	if stands, err = next.encode(); err != nil {
		return "", f.s.damage(err)
	}
	keys := []string{f.shard.state(f.table), f.shard.indexes(f.table), x.set, f.shard.never}
	args := []string{f.s.clock(), c.stands(), x.Def.Name, x.stands, stands, f.shard.entry(store.Ref{Table: f.table})}
	var added []string
	for i, key := range found.keys {
		v, err := storedValue(found.records[i])
		if err != nil {
			return "", f.s.damage(err)
		}
		p := x.Place(v)
		switch {
		case !p.Indexed:
			continue
		case p.Long && !x.long:
			if err := f.s.lengthen(ctx, f.link, f.shard, f.table, c, x); err != nil {
				return "", err
			}
			return "", errMoved
		}
		var alone []byte
		if p.Whole && x.Def.Unique {
			alone = p.Fields
		}
		added = append(added, key)
		keys = append(keys, f.shard.entry(store.Ref{Table: f.table, Key: key}))
		args = append(args, string(found.records[i][1:17]), string(sortedindex.Join(p.Fields, key)), string(alone))
	}
	answer, err := f.s.scripts.build.Exec(ctx, f.link.client, keys, args).ToArray()
	if err != nil {
		return "", f.s.refusal(ctx, err)
	}
	return stands, f.added(added, answer)
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
