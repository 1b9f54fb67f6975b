package redisstore

import (
	"context"

	"larder/internal/store"
)

// Apply does the batch by one script where the script can evaluate it; else it is
// read, evaluated and written.
func (s *Store) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if err := b.Validate(s.options.Limits); err != nil {
		return nil, err
	}
	l, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.together(&l.keyspace, &b)
	if err != nil {
		return nil, err
	}
	w := &writing{s: s, link: l, shard: d, batch: &b, refs: b.Refs()}
	w.tables, w.tableOf = tablesOf(w.refs)
	results, done, err := w.scripted(ctx)
	if !done && err == nil {
		results, err = w.evaluated(ctx)
	}
	if err != nil {
		return nil, err
	}
	if !b.DryRun {
		s.wrote(results)
	}
	return results, nil
}

// writing is a batch on its way.
type writing struct {
	s       *Store
	link    *link
	shard   *shard
	batch   *store.Batch
	refs    []store.Ref // of its operations
	tables  []string    // of those, each once
	tableOf []int       // for each operation, in tables
}

// names are the keys that every script which writes begins with, as lua/orders.lua
// has them.
func (w *writing) names(room int) []string {
	keys := make([]string, 0, 2+5*len(w.tables)+room)
	keys = append(keys, w.shard.sequence, w.shard.tables)
	for _, table := range w.tables {
		keys = append(keys, w.shard.state(table), w.shard.keys(table), w.shard.changes(table), w.shard.expiry(table), w.shard.tombstones(table))
	}
	return keys
}

// wrote counts what a batch has written, and wakes those who wait for it.
func (s *Store) wrote(results []store.Result) {
	written := make([]store.Entry, 0, len(results))
	for i := range results {
		if results[i].Changed {
			written = append(written, results[i].Entry)
		}
	}
	s.tallies.entries.Add(int64(len(written)))
	s.noted(written)
}

// noted has this process know at once what has been written by way of it.
func (s *Store) noted(written []store.Entry) {
	s.cache.seen(written)
	if len(written) == 0 || !s.tailer.waited() {
		return
	}
	refs := make([]store.Ref, len(written))
	for i := range refs {
		refs[i] = written[i].Ref
	}
	s.tailer.wake(false, refs)
}
