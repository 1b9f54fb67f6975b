package boltstore

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// reapChunk is how many entries the reaper deals with in one turn. Writers take
// theirs in between.
const reapChunk = 200

// reapLoop clears up at every interval. Where nothing is due it only reads.
func (s *Store) reapLoop() {
	ticker := time.NewTicker(s.options.Retention.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-s.lifetime.Done():
			return
		case <-ticker.C:
		}
		if s.refusal() != nil {
			continue // it is known by now, and this could do nothing
		}
		if err := s.reap(s.lifetime, ""); err != nil && s.lifetime.Err() == nil {
			s.options.Logger.Error().Err(err).Msg("clearing up expired entries and tombstones failed")
		}
	}
}

// reap clears up a table, "" for all, until nothing is due any more.
func (s *Store) reap(ctx context.Context, table string) error {
	tables, err := s.dueTables(table)
	if err != nil {
		return err
	}
	for _, name := range tables {
		for more := true; more; {
			err := s.write(ctx, reapChunk*256, func(w *writeTx) (err error) {
				more, err = w.reapTable(name)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// dueTables are those in which something is due now.
func (s *Store) dueTables(only string) (due []string, err error) {
	now := s.clock.micros()
	err = s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(tablesBucket).ForEach(func(name, _ []byte) error {
			table := string(name)
			if only != "" && table != only {
				return nil
			}
			expired, err := isDue(tableBucket(tx, expiryArea, table), now, keyTime)
			if err == nil && !expired {
				expired, err = isDue(tableBucket(tx, tombstonesArea, table), s.tombstonesUntil(now), valueTime)
			}
			if expired {
				due = append(due, table)
			}
			return err
		})
	})
	return due, err
}

// tombstonesUntil is the time up to which deletions are forgotten.
func (s *Store) tombstonesUntil(now int64) int64 {
	return now - s.options.Retention.Tombstones.Microseconds()
}

// keyTime and valueTime give what an order's records are due by, and the key.
func keyTime(k, _ []byte) (int64, []byte, error)   { return splitTimedKey(k) }
func valueTime(_, v []byte) (int64, []byte, error) { return splitTimedKey(v) }

// isDue looks at the first of an order.
func isDue(order *bolt.Bucket, until int64, at func(k, v []byte) (int64, []byte, error)) (bool, error) {
	keys, err := dueKeys(order, until, at, 1)
	return len(keys) > 0, err
}

// dueKeys are the first of an order that are due until then.
func dueKeys(order *bolt.Bucket, until int64, at func(k, v []byte) (int64, []byte, error), most int) ([]string, error) {
	if order == nil {
		return nil, nil
	}
	var keys []string
	cursor := order.Cursor()
	for k, v := cursor.First(); k != nil && len(keys) < most; k, v = cursor.Next() {
		due, key, err := at(k, v)
		if err != nil {
			return nil, err
		}
		if due > until {
			break
		}
		keys = append(keys, string(key))
	}
	return keys, nil
}

// reapTable makes tombstones of what has expired, and takes away tombstones
// that have been kept for long enough. more says whether it may not be done.
func (w *writeTx) reapTable(table string) (more bool, err error) {
	t, err := w.table(table)
	if err != nil {
		return false, err
	}
	expired, err := dueKeys(t.expiry, w.now, keyTime, reapChunk)
	if err != nil {
		return false, err
	}
	old, err := dueKeys(t.tombstones, w.s.tombstonesUntil(w.now), valueTime, reapChunk)
	if err != nil {
		return false, err
	}
	for _, key := range expired {
		if err := t.entomb(key); err != nil {
			return false, err
		}
	}
	for _, key := range old {
		if err := t.forgetTombstone(key); err != nil {
			return false, err
		}
	}
	w.afterwards = append(w.afterwards, func() { w.s.tallies.reaped.Add(int64(len(expired) + len(old))) })
	return len(expired) == reapChunk || len(old) == reapChunk, nil
}

func (t *tableTx) entomb(key string) error {
	r, found, err := t.load(key)
	if err != nil {
		return err
	}
	if !found || !r.expiredAt(t.w.now) {
		return damagedf("the order of expiry names a key that has not expired")
	}
	e := r.entry(store.Ref{Table: t.name, Key: key}).Tombstone(timeFromMicros(t.w.now))
	return t.put(&e)
}

func (t *tableTx) forgetTombstone(key string) error {
	r, found, err := t.load(key)
	if err != nil {
		return err
	}
	if !found || !r.deleted() {
		return damagedf("the order of tombstones names a key that has none")
	}
	return t.remove(key, &r)
}
