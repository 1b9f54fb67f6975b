package boltstore

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// Get reads in one transaction. The horizon is one past the last sequence that
// it sees.
func (s *Store) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	for i := range refs {
		if err := refs[i].Validate(); err != nil {
			return store.Read{}, err
		}
	}
	if ctx.Err() != nil {
		return store.Read{}, s.ended(ctx)
	}
	read := store.Read{Entries: make([]store.Entry, len(refs))}
	err := s.view(func(tx *bolt.Tx) error {
		state, err := s.stateIn(tx)
		if err != nil {
			return err
		}
		read.Horizon = horizonAfter(state.sequence)
		now := s.clock.micros()
		for i, ref := range refs {
			if read.Entries[i], err = readEntry(tx, ref, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return store.Read{}, err
	}
	return read, nil
}

func horizonAfter(sequence int64) store.Horizon { return store.Horizon(sequence) + 1 }

// readEntry gives an entry as a reader sees it, with memory of its own.
func readEntry(tx *bolt.Tx, ref store.Ref, now int64) (store.Entry, error) {
	r, found, err := loadRecord(tx, ref)
	if err != nil {
		return store.Entry{}, err
	}
	if !found {
		t, err := readTable(tx, ref.Table)
		return t.unknown(ref), err
	}
	return r.seen(ref, now), nil
}

// loadRecord finds an entry's record, which ends with the transaction.
func loadRecord(tx *bolt.Tx, ref store.Ref) (r record, found bool, err error) {
	bucket := tableBucket(tx, entriesArea, ref.Table)
	if bucket == nil {
		return record{}, false, nil
	}
	var buf [store.MaxKeyBytes]byte
	b := bucket.Get(append(buf[:0], ref.Key...))
	if b == nil {
		return record{}, false, nil
	}
	r, err = decodeRecord(b)
	return r, err == nil, err
}
