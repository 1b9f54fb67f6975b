package redisstore

import (
	"context"
	"errors"
	"strconv"
	"time"

	"larder/internal/store"
)

// reapChunk is how many entries the reaper deals with in one turn.
const reapChunk = 200

// reapLoop clears up at every interval. Of several gateways each does so; what one
// has cleared up the others no longer find.
func (s *Store) reapLoop() {
	ticker := time.NewTicker(s.options.Retention.Interval)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-s.lifetime.Done():
			return
		case <-ticker.C:
		}
		err := s.reap(s.lifetime, "")
		if err != nil && !failing && s.lifetime.Err() == nil && s.link.Load() != nil {
			s.options.Logger.Warn().Err(err).Msg("clearing up expired entries and tombstones failed; larder goes on trying")
		}
		failing = err != nil
	}
}

// reap clears up a table, "" for all, until nothing is due any more.
func (s *Store) reap(ctx context.Context, table string) error {
	l, err := s.enter(ctx)
	if err != nil {
		return err
	}
	return eachShard(l, func(d *shard) error {
		if _, err := s.meta(ctx, l.client, d, len(l.shards)); err != nil { // which a server that was emptied has lost
			return err
		}
		for {
			due, err := s.due(ctx, l, d, table)
			if err != nil || len(due) == 0 {
				return err
			}
			if err := s.clearUp(ctx, l, d, due); err != nil && !errors.Is(err, errMoved) {
				return err
			}
		}
	})
}

// due are some of what is to be cleared up in a shard.
func (s *Store) due(ctx context.Context, l *link, d *shard, table string) ([]store.Ref, error) {
	answer, err := s.scripts.due.Exec(ctx, l.client, []string{d.tables, d.never}, []string{
		s.clock(), d.base, strconv.FormatInt(s.options.Retention.Tombstones.Microseconds(), 10), strconv.Itoa(reapChunk), table,
	}).AsStrSlice()
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	refs := make([]store.Ref, 0, len(answer)/2)
	for i := 0; i+1 < len(answer); i += 2 {
		refs = append(refs, store.Ref{Table: answer[i], Key: answer[i+1]})
	}
	return refs, nil
}

// clearUp makes tombstones of what has expired, and forgets the other tombstones,
// which are past their retention: then nothing is left of their keys but that the
// table's versions begin above them, and its feed behind them.
func (s *Store) clearUp(ctx context.Context, l *link, d *shard, due []store.Ref) error {
	found, err := s.load(ctx, l, d, due)
	if err != nil {
		return err
	}
	c := &commit{s: s, link: l, shard: d, found: found, frees: true}
	states := append([]tableState(nil), found.states...)
	now, n := timeFromMicros(found.now), int64(0)
	for i := range due {
		if found.records[i] == nil {
			return s.removeStray(ctx, l, d, due[i])
		}
		r, err := decodeRecord(found.records[i])
		if err != nil {
			return s.damage(err)
		}
		switch {
		case r.deleted():
			state := &states[found.tableOf[i]]
			state.floor = max(state.floor, r.version)
			state.compacted = max(state.compacted, r.sequence)
			c.forget(i)
			n++
		case !r.exists(found.now):
			e, err := found.entry(i)
			if err != nil {
				return s.damage(err)
			}
			c.put(i, e.Tombstone(now))
			n++
		}
	}
	if n == 0 {
		return nil
	}
	for i := range states {
		if states[i] != found.states[i] {
			c.state(i, states[i])
		}
	}
	if err := c.do(ctx); err != nil {
		return err
	}
	s.tallies.reaped.Add(n)
	return nil
}

// removeStray takes a key out of the orders to which no entry belongs, as is left
// where a server evicts keys.
func (s *Store) removeStray(ctx context.Context, l *link, d *shard, ref store.Ref) error {
	s.options.Logger.Error().Str("table", ref.Table).Msg("an entry is gone that was not deleted: does the server evict keys?")
	for _, order := range []string{d.keys(ref.Table), d.changes(ref.Table), d.expiry(ref.Table), d.tombstones(ref.Table)} {
		if err := l.client.Do(ctx, l.client.B().Zrem().Key(order).Member(ref.Key).Build()).Error(); err != nil {
			return s.refusal(ctx, err)
		}
	}
	return nil
}

// Maintains knows one action, Cleanup.
func (s *Store) Maintains(action store.Action) bool { return action == store.Cleanup }

// Maintain cleans up one table or all.
func (s *Store) Maintain(ctx context.Context, m store.Maintenance) error {
	if _, err := s.enter(ctx); err != nil {
		return err
	}
	if m.Action != store.Cleanup {
		return s.fail(store.Unsupported, "a Redis store knows cleanup", nil)
	}
	return s.reap(ctx, m.Table)
}
