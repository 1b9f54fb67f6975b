package redisstore

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"larder/internal/store"
)

// Tables counts exactly, each shard at one moment.
func (s *Store) Tables(ctx context.Context) ([]store.TableInfo, error) {
	l, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	entries := make(map[string]int64)
	err = eachShard(l, func(d *shard) error {
		answer, err := s.scripts.tables.Exec(ctx, l.client, []string{d.tables, d.never}, []string{s.clock(), d.base}).ToArray()
		if err != nil {
			return s.refusal(ctx, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for i := 0; i+2 < len(answer); i += 3 {
			name, err := answer[i].ToString()
			if err != nil {
				return s.damage(err)
			}
			n, err := answer[i+1].AsInt64()
			if err != nil {
				return s.damage(err)
			}
			entries[name] += n
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	tables := make([]store.TableInfo, 0, len(entries))
	for name, n := range entries {
		tables = append(tables, store.TableInfo{Name: name, Entries: n})
	}
	slices.SortFunc(tables, func(a, b store.TableInfo) int { return cmp.Compare(a.Name, b.Name) })
	return tables, nil
}

// Ping asks every shard's server whether it takes writes.
func (s *Store) Ping(ctx context.Context) error {
	l, err := s.enter(ctx)
	if err != nil {
		return err
	}
	return eachShard(l, func(d *shard) error {
		_, err := s.meta(ctx, l.client, d, len(l.shards))
		return err
	})
}
