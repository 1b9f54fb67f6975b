package boltstore

import (
	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// writeTx is the write transaction that a group of requests shares.
type writeTx struct {
	s       *Store
	tx      *bolt.Tx
	state   fileState
	now     int64 // µs since 1970, of all writes in it
	tables  map[string]*tableTx
	catalog *catalog // as it will be once this is committed

	touched    int      // changes to the transaction so far; only grows
	stored     int64    // entries among them
	afterwards []func() // to be called once it is committed
}

func (s *Store) newWriteTx(tx *bolt.Tx) (*writeTx, error) {
	state, err := readState(tx)
	if err != nil {
		return nil, err
	}
	s.clock.advance(state.time)
	return &writeTx{
		s: s, tx: tx, state: state, now: s.clock.micros(),
		tables: make(map[string]*tableTx), catalog: s.indexes.Load(),
	}, nil
}

// finish writes what the requests add up to.
func (w *writeTx) finish() error {
	w.state.time = w.now
	tables := w.tx.Bucket(tablesBucket)
	for name, t := range w.tables {
		if t.changed {
			if err := t.sweep(); err != nil {
				return err
			}
			if err := tables.Put([]byte(name), t.state.encode()); err != nil {
				return err
			}
		}
		if err := t.finishIndexes(); err != nil {
			return err
		}
	}
	return w.tx.Bucket(metaBucket).Put(stateKey, w.state.encode())
}

// tableTx is one table within a write transaction.
type tableTx struct {
	w       *writeTx
	name    string
	state   tableState
	changed bool
	stale   int // changes that became stale in it
	indexes []*indexTx

	entries    *bolt.Bucket // the buckets are nil until there is something to write
	changes    *bolt.Bucket
	expiry     *bolt.Bucket
	tombstones *bolt.Bucket
}

func (w *writeTx) table(name string) (*tableTx, error) {
	if t := w.tables[name]; t != nil {
		return t, nil
	}
	state, err := readTable(w.tx, name)
	if err != nil {
		return nil, err
	}
	t := &tableTx{
		w: w, name: name, state: state,
		entries:    tableBucket(w.tx, entriesArea, name),
		changes:    tableBucket(w.tx, changesArea, name),
		expiry:     tableBucket(w.tx, expiryArea, name),
		tombstones: tableBucket(w.tx, tombstonesArea, name),
	}
	if t.indexes, err = openIndexes(w.tx, w.catalog, name); err != nil {
		return nil, err
	}
	w.tables[name] = t
	return t, nil
}

// load gives what is stored under a key: found is false where nothing is, not
// even a tombstone. The record ends with the transaction.
func (t *tableTx) load(key string) (r record, found bool, err error) {
	if t.entries == nil {
		return record{}, false, nil
	}
	b := t.entries.Get([]byte(key))
	if b == nil {
		return record{}, false, nil
	}
	r, err = decodeRecord(b)
	return r, err == nil, err
}

// unknown is what Eval starts from where the table knows nothing of a key.
func (t *tableState) unknown(ref store.Ref) store.Entry {
	return store.Entry{Ref: ref, Version: t.floor, Deleted: t.floor > 0}
}

// put stores an entry, or a tombstone, in place of what is there, under the
// next sequence, and keeps every order and index in step.
func (t *tableTx) put(e *store.Entry) error {
	old, found, err := t.load(e.Key)
	if err != nil {
		return err
	}
	t.touch()
	if found {
		if err := t.forget(e.Key, &old); err != nil {
			return err
		}
	}
	if err := t.reindex(e.Key, old.storedValue(), e.Value); err != nil {
		return err
	}
	t.w.state.sequence++
	t.w.stored++
	sequence := t.w.state.sequence
	t.state.position = max(t.state.position, micros(e.UpdatedAt))
	if err := t.add(&t.entries, entriesArea, []byte(e.Key), encodeRecord(e, sequence)); err != nil {
		return err
	}
	t.state.changes++
	if err := t.add(&t.changes, changesArea, sequenceKey(sequence), timedKey(t.state.position, e.Key)); err != nil {
		return err
	}
	if e.Deleted {
		t.state.tombstones++
		// Counted from now: the deletion may be an old one of another store's,
		// and those who read this one's feed have not seen it yet.
		return t.add(&t.tombstones, tombstonesArea, sequenceKey(sequence), timedKey(t.w.now, e.Key))
	}
	t.state.live++
	if !e.ExpiresAt.IsZero() {
		return t.add(&t.expiry, expiryArea, timedKey(micros(e.ExpiresAt), e.Key), []byte{})
	}
	return nil
}

// remove takes a tombstone away for good, so that nothing is left of its key
// but that the table's versions begin above it.
func (t *tableTx) remove(key string, r *record) error {
	t.touch()
	if err := t.forget(key, r); err != nil {
		return err
	}
	t.state.floor = max(t.state.floor, r.version)
	t.state.compacted = max(t.state.compacted, r.sequence)
	return t.entries.Delete([]byte(key))
}

// forget takes an entry out of all orders, but for that of change, where it is
// stale from then on.
func (t *tableTx) forget(key string, r *record) error {
	t.stale++
	if r.deleted() {
		t.state.tombstones--
		return drop(t.tombstones, sequenceKey(r.sequence))
	}
	t.state.live--
	if r.flags&flagExpires != 0 {
		return drop(t.expiry, timedKey(r.expires, key))
	}
	return nil
}

func (t *tableTx) touch() {
	t.changed = true
	t.w.touched++
}

// appendFill fills the pages of buckets that are written at their end only.
const appendFill = 0.9

// add puts into one of the table's buckets, and makes it where it is missing.
func (t *tableTx) add(b **bolt.Bucket, a area, key, v []byte) error {
	if *b == nil {
		made, err := t.w.tx.CreateBucketIfNotExists(bucketName(nil, a, t.name))
		if err != nil {
			return err
		}
		*b = made
	}
	if a == changesArea || a == tombstonesArea {
		(*b).FillPercent = appendFill
	}
	return (*b).Put(key, v)
}

// drop deletes what has to be there.
func drop(b *bolt.Bucket, key []byte) error {
	if b == nil {
		return damagedf("an order is missing")
	}
	return b.Delete(key)
}
