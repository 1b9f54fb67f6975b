package boltstore

import (
	"slices"

	bolt "go.etcd.io/bbolt"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// eachOfIndex calls with the key of every entry within the spans, in the order
// of the index or backwards, until that says that no more are wanted.
func (w *search) eachOfIndex(visit func(key []byte) (more bool, err error)) error {
	cursor := w.access.bucket.Cursor()
	spans := w.access.Spans
	if !w.access.Descending {
		for _, s := range spans {
			more, err := forward(cursor, s, visit)
			if err != nil || !more {
				return err
			}
		}
		return nil
	}
	for _, s := range slices.Backward(spans) {
		more, err := backward(cursor, s, visit)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func forward(cursor *bolt.Cursor, s sortedindex.Span, visit func(key []byte) (bool, error)) (more bool, err error) {
	for k, v := cursor.Seek(s.Lo); k != nil && s.Holds(k); k, v = cursor.Next() {
		_, key, err := splitIndexKey(k, v)
		if err != nil {
			return false, err
		}
		if more, err := visit(key); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// backward goes from the highest fields to the lowest, but among entries that
// have the same from the lowest key to the highest, as queries do.
func backward(cursor *bolt.Cursor, s sortedindex.Span, visit func(key []byte) (bool, error)) (more bool, err error) {
	for {
		k, v := lastBelow(cursor, s.Hi)
		if k == nil || !s.Holds(k) {
			return true, nil
		}
		fields, _, err := splitIndexKey(k, v)
		if err != nil {
			return false, err
		}
		same := sortedindex.StartingWith(fields)
		if more, err := forward(cursor, same, visit); err != nil || !more {
			return false, err
		}
		s.Hi = fields
	}
}

// lastBelow gives the last key below hi, or of all where that is nil.
func lastBelow(cursor *bolt.Cursor, hi []byte) (k, v []byte) {
	if hi == nil {
		return cursor.Last()
	}
	if k, _ := cursor.Seek(hi); k == nil {
		return cursor.Last()
	}
	return cursor.Prev()
}

// countExact counts what stands within the spans, or in the table, less what
// has expired and has not been reaped. It looks at no entry but those.
func (w *search) countExact() (int64, error) {
	total, err := w.countAll()
	if err != nil {
		return 0, err
	}
	expired, err := w.countExpiredMatches()
	return total - expired, err
}

func (w *search) countAll() (n int64, err error) {
	if w.access.Index == nil {
		t, err := readTable(w.tx, w.query.Table)
		return t.live, err
	}
	err = w.eachOfIndex(func([]byte) (bool, error) {
		if w.pace.ended() {
			return false, w.pace.err()
		}
		n++
		return true, nil
	})
	w.scanned = n
	return n, err
}

func (w *search) countExpiredMatches() (n int64, err error) {
	order := tableBucket(w.tx, expiryArea, w.query.Table)
	if order == nil {
		return 0, nil
	}
	cursor := order.Cursor()
	for k, _ := cursor.First(); k != nil; k, _ = cursor.Next() {
		ends, key, err := splitTimedKey(k)
		if err != nil || ends > w.now {
			return n, err
		}
		if w.pace.ended() {
			return 0, w.pace.err()
		}
		ref := store.Ref{Table: w.query.Table, Key: string(key)}
		r, found, err := loadRecord(w.tx, ref)
		if err != nil || !found {
			return 0, err
		}
		if w.query.Match(r.entry(ref)) {
			n++
		}
	}
	return n, nil
}
