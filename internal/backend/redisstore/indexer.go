package redisstore

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/redis/rueidis"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// home is the shard that says what indexes there are; the others follow it. An index
// is defined there before it is anywhere else, ready there last, and dropped there
// first.
func (k *keyspace) home() *shard { return &k.shards[0] }

// Indexes lists a table's indexes by name, those under construction too. One is ready
// when it is in all shards.
func (s *Store) Indexes(ctx context.Context, table string) ([]store.Index, error) {
	if err := store.ValidateTable(table); err != nil {
		return nil, err
	}
	l, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	known, err := s.readCatalog(ctx, l, l.home(), table)
	if err != nil || len(known.indexes) == 0 {
		return nil, err
	}
	defs := make([]store.Index, len(known.indexes))
	for i, x := range known.indexes {
		defs[i] = x.Def
		defs[i].Ready = true
	}
	var mu sync.Mutex
	return defs, eachShard(l, func(d *shard) error {
		ready, counts, err := s.indexesIn(ctx, l, d, table, known)
		mu.Lock()
		defer mu.Unlock()
		for i := range counts {
			defs[i].Ready = defs[i].Ready && ready[i]
			defs[i].Entries += counts[i]
		}
		return err
	})
}

// indexesIn says of each index at home whether a shard has it, ready, and how many
// entries are in it there.
func (s *Store) indexesIn(ctx context.Context, l *link, d *shard, table string, home *catalog) (ready []bool, counts []int64, err error) {
	c, err := s.readCatalog(ctx, l, d, table)
	if err != nil {
		return nil, nil, err
	}
	ready, counts = make([]bool, len(home.indexes)), make([]int64, len(home.indexes))
	var reads rueidis.Commands
	var of []int
	for i, x := range home.indexes {
		if !c.has(x) {
			continue
		}
		own := c.named(x.Def.Name)
		ready[i] = own.ready
		reads = append(reads, l.client.B().Zcard().Key(own.set).Build())
		of = append(of, i)
	}
	for n, answer := range l.client.DoMulti(ctx, reads...) {
		if counts[of[n]], err = answer.AsInt64(); err != nil {
			return nil, nil, s.refusal(ctx, err)
		}
	}
	return ready, counts, nil
}

// PutIndex writes the definition down, which all who write to the table keep up from
// then on, has what is there already added in the background, and waits for that.
// Where ctx ends first, building goes on; asking again waits again.
func (s *Store) PutIndex(ctx context.Context, table string, def store.Index) (made bool, err error) {
	if err := def.Validate(table); err != nil {
		return false, err
	}
	l, err := s.enter(ctx)
	if err != nil {
		return false, err
	}
	if def.Unique && len(l.shards) > 1 {
		e := s.fail(store.Unsupported, "the keys of a table lie in several slots, and no script sees more than one: an index over them can't be kept unique; leave unique away, or make the store with one shard", nil)
		e.Ref.Table, e.Field = table, "unique"
		return false, e
	}
	var x *index
	err = s.change(ctx, l, l.home(), table, func(c *catalog) (err error) {
		x, made, err = s.defineIn(ctx, l, c, table, def)
		return err
	})
	if err != nil || x.ready {
		return false, err
	}
	return made, s.awaitBuild(ctx, s.build(l, x))
}

// defineIn gives the index of that definition, and says whether it is a new one.
func (s *Store) defineIn(ctx context.Context, l *link, c *catalog, table string, def store.Index) (x *index, made bool, err error) {
	old := c.named(def.Name)
	if old != nil && old.Def.SameDefinition(def) {
		return old, false, nil
	}
	if old == nil && len(c.indexes) >= store.MaxIndexes {
		return nil, false, &store.Error{
			Code: store.InvalidIndex, Ref: store.Ref{Table: table}, Field: "index",
			Detail: fmt.Sprintf("a table has at most %d indexes", store.MaxIndexes),
		}
	}
	def.Ready, def.Entries = false, 0
	x, err = s.redefine(ctx, l, l.home(), table, c, old, &index{Index: sortedindex.Index{Table: table, Def: def}})
	return x, true, err
}

// DropIndex removes an index, and ends its building. Where a shard can't be reached,
// what is left of it there goes later.
func (s *Store) DropIndex(ctx context.Context, table, name string) error {
	if err := store.ValidateTable(table); err != nil {
		return err
	}
	l, err := s.enter(ctx)
	if err != nil {
		return err
	}
	err = s.change(ctx, l, l.home(), table, func(c *catalog) error {
		x := c.named(name)
		if x == nil {
			return &store.Error{Code: store.NotFound, Ref: store.Ref{Table: table}, Field: "index", Detail: fmt.Sprintf("the table has no index %q", name)}
		}
		_, err := s.redefine(ctx, l, l.home(), table, c, x, nil)
		return err
	})
	if err != nil || len(l.shards) == 1 {
		return err
	}
	return s.dropStrays(ctx, l, table)
}

// dropStrays drops, in all shards, the indexes of a table that are not at home.
func (s *Store) dropStrays(ctx context.Context, l *link, table string) error {
	return eachShard(l, func(d *shard) error {
		if d == l.home() {
			return nil
		}
		return s.change(ctx, l, d, table, func(c *catalog) error {
			if len(c.indexes) == 0 {
				return nil
			}
			home, err := s.readCatalog(ctx, l, l.home(), table)
			if err != nil {
				return err
			}
			stray := slices.IndexFunc(c.indexes, func(x *index) bool { return !home.has(x) })
			if stray < 0 {
				return nil
			}
			if _, err := s.redefine(ctx, l, d, table, c, c.indexes[stray], nil); err != nil {
				return err
			}
			return errMoved // there may be others
		})
	})
}

// has says whether there is an index of that definition.
func (c *catalog) has(x *index) bool {
	own := c.named(x.Def.Name)
	return own != nil && own.Def.SameDefinition(x.Def)
}

// dropped is the error for an index that is no longer wanted.
func (s *Store) dropped() error {
	return s.fail(store.NotFound, "the index was dropped while it was being built", nil)
}
