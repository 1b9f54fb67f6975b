package boltstore

import (
	"bytes"

	bolt "go.etcd.io/bbolt"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
	"larder/internal/value"
)

// indexTx is an index within a transaction.
type indexTx struct {
	*index
	bucket   *bolt.Bucket
	progress progress
	changed  bool
}

// openIndexes gives those of a table's indexes that the transaction knows.
func openIndexes(tx *bolt.Tx, c *catalog, table string) ([]*indexTx, error) {
	var opened []*indexTx
	for _, x := range c.byTable[table] {
		p, found, err := readProgress(tx, x.id)
		if err != nil {
			return nil, err
		}
		if bucket := tx.Bucket(indexBucketName(x.id)); found && bucket != nil {
			opened = append(opened, &indexTx{index: x, bucket: bucket, progress: p})
		}
	}
	return opened, nil
}

// reindex moves an entry from where its old value stands in the indexes to
// where its next one does. A zero value stands nowhere.
//
// An index that is still being built is kept up too: what its building has not
// come to yet is simply there already when it does.
func (t *tableTx) reindex(key string, old, next value.Value) error {
	for _, x := range t.indexes {
		was, is := x.Place(old), x.Place(next)
		if was.Indexed && is.Indexed && bytes.Equal(was.Fields, is.Fields) && x.progress.ready {
			continue
		}
		if was.Indexed {
			if err := x.remove(indexKey(was.Fields, key)); err != nil {
				return err
			}
		}
		if is.Indexed {
			if err := x.insert(is, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *indexTx) insert(p sortedindex.Place, key string) error {
	k := indexKey(p.Fields, key)
	if x.bucket.Get(k) != nil {
		return nil
	}
	x.changed = true
	x.progress.entries++
	x.progress.long = x.progress.long || p.Long
	return x.bucket.Put(k, fieldsLength(p.Fields))
}

func (x *indexTx) remove(k []byte) error {
	if x.bucket.Get(k) == nil {
		return nil
	}
	x.changed = true
	x.progress.entries--
	return x.bucket.Delete(k)
}

func (t *tableTx) finishIndexes() error {
	records := t.w.tx.Bucket(indexesBucket)
	for _, x := range t.indexes {
		if !x.changed {
			continue
		}
		if err := records.Put(progressKey(x.id), x.progress.encode()); err != nil {
			return err
		}
	}
	return nil
}

// holder finds a living entry, other than those that but names, that stands in
// a unique index with these fields.
func (x *indexTx) holder(tx *bolt.Tx, fields []byte, now int64, but func(key string) bool) (string, bool, error) {
	cursor := x.bucket.Cursor()
	for k, v := cursor.Seek(fields); bytes.HasPrefix(k, fields); k, v = cursor.Next() {
		there, b, err := splitIndexKey(k, v)
		if err != nil {
			return "", false, err
		}
		key := string(b)
		if len(there) != len(fields) || but(key) { // a cut field's form may begin with another's
			continue
		}
		r, found, err := loadRecord(tx, store.Ref{Table: x.Table, Key: key})
		if err != nil {
			return "", false, err
		}
		if found && r.exists(now) {
			return key, true, nil
		}
	}
	return "", false, nil
}
