package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// Check holds the whole file against what it has to be: bbolt's own structure,
// and that every order, index and count agrees with the entries. It reads
// everything, while writes go on, and gives all that is wrong.
func (s *Store) Check(ctx context.Context) error {
	c := checker{ctx: ctx}
	err := s.view(func(tx *bolt.Tx) error {
		c.tx = tx
		c.checkTables(s.indexes.Load())
		return nil
	})
	// bbolt can't look at its pages beside a write transaction.
	if err == nil && len(c.wrong) == 0 {
		err = s.exclude(ctx, func() error { return c.checkPages(s.file.Load().db) })
	}
	return s.internal(errors.Join(append(c.wrong, err)...))
}

// mostWrong is how many faults are worth telling.
const mostWrong = 20

type checker struct {
	tx       *bolt.Tx
	ctx      context.Context
	sequence int64
	wrong    []error
}

func (c *checker) fault(format string, args ...any) {
	if len(c.wrong) < mostWrong {
		c.wrong = append(c.wrong, damagedf(format, args...))
	}
}

func (c *checker) checkPages(db *bolt.DB) error {
	return db.View(func(tx *bolt.Tx) error {
		for fault := range tx.Check() {
			c.fault("pages: %s", fault)
		}
		return nil
	})
}

func (c *checker) checkTables(indexes *catalog) {
	state, err := readState(c.tx)
	if err != nil {
		c.wrong = append(c.wrong, err)
		return
	}
	c.sequence = state.sequence
	known := make(map[string]bool)
	err = c.tx.Bucket(tablesBucket).ForEach(func(name, b []byte) error {
		t, err := decodeTableState(b)
		if err != nil {
			return err
		}
		known[string(name)] = true
		return c.checkTable(string(name), t, indexes)
	})
	if err != nil {
		c.wrong = append(c.wrong, err)
		return
	}
	cursor := c.tx.Cursor()
	for k, _ := cursor.First(); k != nil; k, _ = cursor.Next() {
		if len(k) > 2 && k[1] == ':' && area(k[0]) != indexArea && !known[string(k[2:])] {
			c.fault("bucket %q belongs to no table", k)
		}
	}
}

// checkTable walks the entries and finds each in the orders and indexes. That
// these hold as many as were found then shows that they hold nothing else.
func (c *checker) checkTable(table string, t tableState, all *catalog) error {
	indexes, err := openIndexes(c.tx, all, table)
	if err != nil {
		return err
	}
	changes := tableBucket(c.tx, changesArea, table)
	expiry := tableBucket(c.tx, expiryArea, table)
	tombstones := tableBucket(c.tx, tombstonesArea, table)
	var live, deleted, expiring int64
	indexed := make([]int64, len(indexes))
	err = eachRecord(tableBucket(c.tx, entriesArea, table), func(k, b []byte) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		r, err := decodeRecord(b)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", table, k, err)
		}
		if r.sequence > c.sequence {
			c.fault("%s/%s has sequence %d of %d", table, k, r.sequence, c.sequence)
		}
		c.expectTimed(changes, sequenceKey(r.sequence), k, "order of change")
		switch {
		case r.deleted():
			deleted++
			c.expectTimed(tombstones, sequenceKey(r.sequence), k, "order of tombstones")
			return nil
		case r.flags&flagExpires != 0:
			expiring++
			c.expect(expiry, timedKey(r.expires, string(k)), "order of expiry")
		}
		live++
		c.checkIndexed(indexes, indexed, string(k), &r)
		return nil
	})
	if err != nil {
		return err
	}
	c.count(table, "live entries", t.live, live)
	c.count(table, "tombstones", t.tombstones, deleted)
	c.count(table, "changes", t.changes, keys(changes))
	c.count(table, "tombstones in order", keys(tombstones), deleted)
	c.count(table, "expiring entries in order", keys(expiry), expiring)
	for i, x := range indexes {
		c.count(table, "counted in index "+x.Def.Name, x.progress.entries, indexed[i])
		c.count(table, "entries in index "+x.Def.Name, keys(x.bucket), indexed[i])
	}
	return c.checkChanges(table, changes, t, live+deleted)
}

func (c *checker) checkIndexed(indexes []*indexTx, indexed []int64, key string, r *record) {
	for i, x := range indexes {
		p := x.Place(r.storedValue())
		if !p.Indexed {
			continue
		}
		there := x.bucket.Get(indexKey(p.Fields, key)) != nil
		if !there && (x.progress.ready || key <= x.progress.after) {
			c.fault("%s/%s is missing in index %s", x.Table, key, x.Def.Name)
		}
		if there {
			indexed[i]++
		}
	}
}

// checkChanges holds that of all changes one for each entry is its latest, that
// times only grow in their order, and are never before those of the entries.
func (c *checker) checkChanges(table string, changes *bolt.Bucket, t tableState, entries int64) error {
	latest, before := int64(0), int64(minMicros)
	err := eachRecord(changes, func(k, v []byte) error {
		found, err := readChange(k, v)
		if err != nil {
			return err
		}
		r, there, err := loadRecord(c.tx, store.Ref{Table: table, Key: string(found.key)})
		if err != nil {
			return err
		}
		isLatest := found.isLatest(&r, there)
		if isLatest {
			latest++
		}
		if at := found.position; at < before || at > t.position || isLatest && at < r.updated {
			c.fault("%s/%s changed at %d, after %d and before %d, and was updated at %d", table, found.key, at, before, t.position, r.updated)
		}
		before = found.position
		return nil
	})
	c.count(table, "latest changes", latest, entries)
	return err
}

func (c *checker) expectTimed(order *bolt.Bucket, place, key []byte, what string) {
	v := c.expect(order, place, what)
	if v == nil {
		return
	}
	if _, k, err := splitTimedKey(v); err != nil || !bytes.Equal(k, key) {
		c.fault("the %s has %q where %q should be", what, k, key)
	}
}

func (c *checker) expect(order *bolt.Bucket, place []byte, what string) []byte {
	var v []byte
	if order != nil {
		v = order.Get(place)
	}
	if v == nil {
		c.fault("the %s lacks %x", what, place)
	}
	return v
}

func (c *checker) count(table, what string, said, found int64) {
	if said != found {
		c.fault("%s: %d %s, where there should be %d", table, said, what, found)
	}
}

func keys(b *bolt.Bucket) (n int64) {
	if b == nil {
		return 0
	}
	cursor := b.Cursor()
	for k, _ := cursor.First(); k != nil; k, _ = cursor.Next() {
		n++
	}
	return n
}

func eachRecord(b *bolt.Bucket, do func(k, v []byte) error) error {
	if b == nil {
		return nil
	}
	return b.ForEach(do)
}
