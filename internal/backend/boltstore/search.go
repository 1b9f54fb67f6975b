package boltstore

import (
	"bytes"
	"context"

	bolt "go.etcd.io/bbolt"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// Search narrows by an index where one helps, holds each candidate against the
// filter, and stops early where candidates come in the query's order.
func (s *Store) Search(ctx context.Context, q store.Query) (store.Found, error) {
	c, err := q.Compile(s.options.Limits)
	if err != nil {
		return store.Found{}, err
	}
	if ctx.Err() != nil {
		return store.Found{}, s.ended(ctx)
	}
	var found store.Found
	err = s.view(func(tx *bolt.Tx) error {
		found = store.Found{}
		a, err := plan(tx, s.indexes.Load(), &c.Query)
		if err != nil {
			return err
		}
		top := c.Collect(a.InOrder)
		search := s.newSearch(ctx, tx, c, &a)
		if err := search.each(func(e store.Entry) bool { return top.Add(e) }); err != nil {
			return err
		}
		found = top.Found()
		for i := range found.Entries {
			found.Entries[i].Value.Data = bytes.Clone(found.Entries[i].Value.Data)
		}
		found.Plan = search.plan()
		return nil
	})
	if err != nil {
		return store.Found{}, err
	}
	return found, nil
}

// Count counts what matches. Where an index answers the whole filter, entries
// are not looked at.
func (s *Store) Count(ctx context.Context, q store.Query) (store.Counted, error) {
	c, err := store.Query{Table: q.Table, Filter: q.Filter, Budget: q.Budget}.Compile(s.options.Limits)
	if err != nil {
		return store.Counted{}, err
	}
	if ctx.Err() != nil {
		return store.Counted{}, s.ended(ctx)
	}
	var counted store.Counted
	err = s.view(func(tx *bolt.Tx) error {
		counted = store.Counted{}
		a, err := plan(tx, s.indexes.Load(), &c.Query)
		if err != nil {
			return err
		}
		search := s.newSearch(ctx, tx, c, &a)
		if a.Exact {
			counted.Count, err = search.countExact()
		} else {
			err = search.each(func(store.Entry) bool { counted.Count++; return true })
		}
		counted.Plan = search.plan()
		return err
	})
	if err != nil {
		return store.Counted{}, err
	}
	return counted, nil
}

// search walks an access to a query's matches.
type search struct {
	s       *Store
	tx      *bolt.Tx
	query   *store.Compiled
	access  *access
	entries *bolt.Bucket
	now     int64
	pace    pace
	scanned int64
}

func (s *Store) newSearch(ctx context.Context, tx *bolt.Tx, c *store.Compiled, a *access) *search {
	return &search{
		s: s, tx: tx, query: c, access: a,
		entries: tableBucket(tx, entriesArea, c.Table),
		now:     s.clock.micros(), pace: s.pace(ctx),
	}
}

func (w *search) plan() store.Plan {
	p := store.Plan{Backend: w.s.options.Name, Mode: store.ByScan, Scanned: w.scanned}
	if w.access.Index != nil {
		p.Mode, p.Index = store.ByIndex, w.access.Index.Def.Name
	}
	return p
}

// each calls for every match, until that says that no more are wanted. The
// entry's value ends with the transaction.
func (w *search) each(match func(store.Entry) (more bool)) error {
	if w.entries == nil {
		return nil
	}
	if w.access.Index == nil {
		return w.eachOfTable(match)
	}
	return w.eachOfIndex(func(key []byte) (bool, error) {
		b := w.entries.Get(key)
		if b == nil {
			return false, damagedf("an index names a key that is not there")
		}
		return w.consider(key, b, match)
	})
}

func (w *search) eachOfTable(match func(store.Entry) bool) error {
	cursor := w.entries.Cursor()
	start := []byte{}
	if w.access.InOrder && w.query.After != nil {
		start = []byte(w.query.After.Key + "\x00")
	}
	for k, b := cursor.Seek(start); k != nil; k, b = cursor.Next() {
		more, err := w.consider(k, b, match)
		if err != nil || !more {
			return err
		}
		if w.scanned > int64(w.query.Budget) {
			return sortedindex.TooExpensive(w.query)
		}
	}
	return nil
}

func (w *search) consider(key, b []byte, match func(store.Entry) bool) (more bool, err error) {
	if w.pace.ended() {
		return false, w.pace.err()
	}
	r, err := decodeRecord(b)
	if err != nil || !r.exists(w.now) {
		return true, err
	}
	w.scanned++
	e := r.entry(store.Ref{Table: w.query.Table, Key: string(key)})
	return !w.query.Match(e) || match(e), nil
}
