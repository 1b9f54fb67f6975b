package boltstore

import (
	"bytes"
	"slices"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
	"larder/internal/value"
)

// eachOfIndex calls with the key of every entry within the spans, in the order
// of the index or backwards, until that says that no more are wanted.
func (w *search) eachOfIndex(visit func(key []byte) (more bool, err error)) error {
	cursor := w.access.index.bucket.Cursor()
	spans := w.access.spans
	if !w.access.inOrder || !w.access.descending {
		from := w.resumeForward()
		for _, s := range spans {
			if bytes.Compare(from, s.lo) > 0 {
				s.lo = from
			}
			more, err := forward(cursor, s, visit)
			if err != nil || !more {
				return err
			}
		}
		return nil
	}
	to := w.resumeBackward()
	for _, s := range slices.Backward(spans) {
		if to != nil && (s.hi == nil || bytes.Compare(to, s.hi) < 0) {
			s.hi = to
		}
		more, err := backward(cursor, s, visit)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func forward(cursor *bolt.Cursor, s span, visit func(key []byte) (bool, error)) (more bool, err error) {
	for k, v := cursor.Seek(s.lo); s.holds(k); k, v = cursor.Next() {
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
func backward(cursor *bolt.Cursor, s span, visit func(key []byte) (bool, error)) (more bool, err error) {
	for {
		k, v := lastBelow(cursor, s.hi)
		if !s.holds(k) {
			return true, nil
		}
		fields, _, err := splitIndexKey(k, v)
		if err != nil {
			return false, err
		}
		same := span{lo: fields, hi: prefixEnd(fields)}
		if more, err := forward(cursor, same, visit); err != nil || !more {
			return false, err
		}
		s.hi = fields
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

// holds says whether k, nil at a bucket's end, lies within the span.
func (s span) holds(k []byte) bool {
	return k != nil && bytes.Compare(k, s.lo) >= 0 && (s.hi == nil || bytes.Compare(k, s.hi) < 0)
}

// resumeForward is the first place in the index after the query's position.
func (w *search) resumeForward() []byte {
	fields, ok := w.positionFields()
	if !ok {
		return nil
	}
	return append(append(fields, w.query.After.Key...), 0)
}

// resumeBackward is the end of the entries that have the same fields as the
// query's position. Those of them that come before it are passed over by the
// collector.
func (w *search) resumeBackward() []byte {
	fields, ok := w.positionFields()
	if !ok {
		return nil
	}
	return prefixEnd(fields)
}

// positionFields are the fields that the query's position stands for: the
// constant ones, and of the others what it is sorted by.
func (w *search) positionFields() ([]byte, bool) {
	after := w.query.After
	if after == nil || !w.access.inOrder {
		return nil, false
	}
	var fields []byte
	for i, f := range w.access.index.def.Fields {
		path := f.Path.String()
		if i < w.access.constant {
			b, ok := boundsOf(f, i == 0, w.comparisons())
			if !ok || len(b.points) != 1 {
				return nil, false
			}
			fields = append(fields, b.points[0]...)
			continue
		}
		at := slices.IndexFunc(w.query.Sort, func(s store.Sort) bool { return s.Path == path })
		if at < 0 {
			return nil, false
		}
		fields, _ = appendField(fields, after.Sort[at].Data)
	}
	return fields, true
}

func (w *search) comparisons() []value.Filter {
	all, _ := conjuncts(w.query.Filter)
	return all
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
	if w.access.index == nil {
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
