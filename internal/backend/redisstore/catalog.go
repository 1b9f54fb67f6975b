package redisstore

import (
	"context"
	"encoding/binary"
	"sync"
)

// catalogs are what is known of the tables' indexes, by shard and table. What is
// not known is taken to have none, in generation 0; the scripts hold every write
// to the generation that stands.
type catalogs struct {
	mu      sync.RWMutex
	byTable map[string]*catalog // by the name of the table's state
}

// catalog is a table's indexes in one generation. It does not change.
type catalog struct {
	generation uint64
	indexes    []*index // in the order of names
}

// stands is the generation as the scripts have it.
func (c *catalog) stands() string {
	return string(binary.BigEndian.AppendUint64(nil, c.generation))
}

// none is the catalog of a table that never had an index.
var none = &catalog{}

// known gives what is known.
func (c *catalogs) known(d *shard, table string) *catalog {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(c.byTable) == 0 {
		return none
	}
	if found := c.byTable[d.state(table)]; found != nil {
		return found
	}
	return none
}

func (c *catalogs) learn(d *shard, table string, found *catalog) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byTable == nil {
		c.byTable = make(map[string]*catalog)
	}
	c.byTable[d.state(table)] = found
}

// catalogOf gives a table's catalog in a generation that was read. Where it has
// changed since, it fails with errMoved.
func (s *Store) catalogOf(ctx context.Context, l *link, d *shard, table string, generation uint64) (*catalog, error) {
	if c := s.catalogs.known(d, table); c.generation == generation {
		return c, nil
	}
	if err := s.learn(ctx, l, d, []string{table}); err != nil {
		return nil, err
	}
	if c := s.catalogs.known(d, table); c.generation == generation {
		return c, nil
	}
	return nil, errMoved
}

// learn reads tables' catalogs anew.
func (s *Store) learn(ctx context.Context, l *link, d *shard, tables []string) error {
	found, err := s.readCatalogs(ctx, l, d, tables)
	if err != nil {
		return err
	}
	for i, table := range tables {
		s.catalogs.learn(d, table, found[i])
	}
	return nil
}

// readCatalog reads a table's catalog as it stands.
func (s *Store) readCatalog(ctx context.Context, l *link, d *shard, table string) (*catalog, error) {
	found, err := s.readCatalogs(ctx, l, d, []string{table})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func (s *Store) readCatalogs(ctx context.Context, l *link, d *shard, tables []string) ([]*catalog, error) {
	keys := make([]string, 0, 2*len(tables))
	for _, table := range tables {
		keys = append(keys, d.state(table), d.indexes(table))
	}
	answer, err := s.scripts.catalog.Exec(ctx, l.client, keys, nil).ToArray()
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	if len(answer) != len(keys) {
		return nil, s.damage(damagedf("%d catalogs were read as %d", len(tables), len(answer)/2))
	}
	found := make([]*catalog, len(tables))
	for i, table := range tables {
		state, err := readState(&answer[2*i])
		if err != nil {
			return nil, s.damage(err)
		}
		hash, err := answer[2*i+1].AsStrSlice()
		if err != nil {
			return nil, s.damage(err)
		}
		found[i] = &catalog{generation: state.generation}
		if found[i].indexes, err = readIndexes(d, table, hash); err != nil {
			return nil, s.damage(err)
		}
	}
	return found, nil
}
