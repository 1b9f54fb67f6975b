package boltstore

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// checkUnique fails where a batch's results, taken together, would break a
// unique index: two of them that agree, or one and an entry that the batch
// leaves as it is. So a batch may move a value from one entry to another.
func (w *writeTx) checkUnique(b store.Batch, results []store.Result) error {
	return checkUnique(w.tx, b, results, w.now, func(table string) ([]*indexTx, error) {
		t, err := w.table(table)
		if err != nil {
			return nil, err
		}
		return t.indexes, nil
	})
}

// checkUniqueIn does the same in a read transaction.
func (s *Store) checkUniqueIn(tx *bolt.Tx, b store.Batch, results []store.Result, now int64) error {
	c := s.indexes.Load()
	return checkUnique(tx, b, results, now, func(table string) ([]*indexTx, error) {
		return openIndexes(tx, c, table)
	})
}

func checkUnique(tx *bolt.Tx, b store.Batch, results []store.Result, now int64, indexesOf func(string) ([]*indexTx, error)) error {
	var changed map[store.Ref]bool
	var claims map[string]string // index and fields → the key of the batch that is to stand there
	for i := range results {
		e := &results[i].Entry
		if !results[i].Changed || e.Deleted {
			continue
		}
		indexes, err := indexesOf(e.Table)
		if err != nil {
			return err
		}
		for _, x := range indexes {
			if !x.Def.Unique {
				continue
			}
			p := x.Place(e.Value)
			if !p.Whole {
				continue
			}
			claim := append(binary.BigEndian.AppendUint64(nil, x.id), p.Fields...)
			if changed == nil {
				changed, claims = changedRefs(results), make(map[string]string)
			}
			holder, taken := claims[string(claim)]
			if !taken {
				holder, taken, err = x.holder(tx, p.Fields, now, func(key string) bool {
					return changed[store.Ref{Table: e.Table, Key: key}]
				})
				if err != nil {
					return err
				}
			}
			if taken {
				return b.Fail(i, x.Violation(e.Ref, holder))
			}
			claims[string(claim)] = e.Key
		}
	}
	return nil
}

func changedRefs(results []store.Result) map[store.Ref]bool {
	changed := make(map[store.Ref]bool, len(results))
	for i := range results {
		if results[i].Changed {
			changed[results[i].Entry.Ref] = true
		}
	}
	return changed
}
