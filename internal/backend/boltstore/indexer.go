package boltstore

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// Indexes lists a table's indexes by name, those under construction too.
func (s *Store) Indexes(ctx context.Context, table string) ([]store.Index, error) {
	if err := store.ValidateTable(table); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, s.ended(ctx)
	}
	var defs []store.Index
	err := s.view(func(tx *bolt.Tx) error {
		indexes, err := openIndexes(tx, s.indexes.Load(), table)
		defs = make([]store.Index, len(indexes))
		for i, x := range indexes {
			defs[i] = x.Def
			defs[i].Ready, defs[i].Entries = x.progress.ready, x.progress.entries
		}
		return err
	})
	return defs, err
}

// PutIndex makes the index known to the writer, which keeps it up from then on,
// has what is there already added in the background, and waits for that. Where
// ctx ends first, building goes on; asking again waits again.
func (s *Store) PutIndex(ctx context.Context, table string, def store.Index) (made bool, err error) {
	if err := def.Validate(table); err != nil {
		return false, err
	}
	var x *index
	var ready bool
	err = s.write(ctx, 0, func(w *writeTx) (err error) {
		x, made, ready, err = w.putIndex(table, def)
		return err
	})
	if err != nil || ready {
		return false, err
	}
	return made, s.awaitBuild(ctx, s.build(x))
}

// DropIndex removes an index, and ends its building.
func (s *Store) DropIndex(ctx context.Context, table, name string) error {
	if err := store.ValidateTable(table); err != nil {
		return err
	}
	return s.write(ctx, 0, func(w *writeTx) error {
		x := w.catalog.find(table, name)
		if x == nil {
			return &store.Error{Code: store.NotFound, Ref: store.Ref{Table: table}, Field: "index", Detail: fmt.Sprintf("the table has no index %q", name)}
		}
		return w.dropIndex(x)
	})
}

// putIndex gives the index of that definition, and says whether it made it,
// and whether it is ready.
func (w *writeTx) putIndex(table string, def store.Index) (x *index, made, ready bool, err error) {
	if x = w.catalog.find(table, def.Name); x != nil && x.Def.SameDefinition(def) {
		p, _, err := readProgress(w.tx, x.id)
		return x, false, p.ready, err
	}
	if x == nil && len(w.catalog.byTable[table]) >= store.MaxIndexes {
		return nil, false, false, &store.Error{
			Code: store.InvalidIndex, Ref: store.Ref{Table: table}, Field: "index",
			Detail: fmt.Sprintf("a table has at most %d indexes", store.MaxIndexes),
		}
	}
	if x != nil {
		if err := w.dropIndex(x); err != nil {
			return nil, false, false, err
		}
	}
	def.Ready, def.Entries = false, 0
	x = &index{id: w.catalog.last + 1, Index: sortedindex.Index{Table: table, Def: def}}
	return x, true, false, w.addIndex(x)
}

func (w *writeTx) addIndex(x *index) error {
	w.touched++
	text, err := x.Encode()
	if err != nil {
		return err
	}
	bucket, err := w.tx.CreateBucket(indexBucketName(x.id))
	if err != nil {
		return err
	}
	records := w.tx.Bucket(indexesBucket)
	if err := records.Put(definitionKey(x.id), text); err != nil {
		return err
	}
	var begun progress
	if err := records.Put(progressKey(x.id), begun.encode()); err != nil {
		return err
	}
	t, err := w.table(x.Table)
	if err != nil {
		return err
	}
	t.indexes = append(t.indexes, &indexTx{index: x, bucket: bucket})
	w.setCatalog(w.catalog.with(x))
	return nil
}

func (w *writeTx) dropIndex(x *index) error {
	w.touched++
	t, err := w.table(x.Table)
	if err != nil {
		return err
	}
	for i, o := range t.indexes {
		if o.id == x.id {
			t.indexes = append(t.indexes[:i:i], t.indexes[i+1:]...)
			break
		}
	}
	if err := w.tx.DeleteBucket(indexBucketName(x.id)); err != nil {
		return err
	}
	records := w.tx.Bucket(indexesBucket)
	if err := records.Delete(definitionKey(x.id)); err != nil {
		return err
	}
	w.setCatalog(w.catalog.without(x))
	return records.Delete(progressKey(x.id))
}

// setCatalog makes a catalog that of this transaction, and once it is committed
// the store's.
func (w *writeTx) setCatalog(c *catalog) {
	w.catalog = c
	w.afterwards = append(w.afterwards, func() { w.s.indexes.Store(c) })
}
