package boltstore

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"larder/internal/backend/sortedindex"
)

// index is a secondary index as it was defined. Another definition is another
// index, with an id and a bucket of its own.
type index struct {
	id uint64
	sortedindex.Index
}

// catalog is all indexes of the file. It does not change: the writer makes a
// new one. A reader's transaction may be older or newer than the catalog it
// has; what counts is the index's progress in that transaction.
type catalog struct {
	byTable map[string][]*index // in the order of names
	last    uint64              // the highest id so far
}

// with gives a catalog that also has x.
func (c *catalog) with(x *index) *catalog {
	next := &catalog{byTable: maps.Clone(c.byTable), last: max(c.last, x.id)}
	if next.byTable == nil {
		next.byTable = make(map[string][]*index)
	}
	indexes := append(slices.Clone(next.byTable[x.Table]), x)
	slices.SortFunc(indexes, func(a, b *index) int { return strings.Compare(a.Def.Name, b.Def.Name) })
	next.byTable[x.Table] = indexes
	return next
}

// without gives a catalog that does not have x.
func (c *catalog) without(x *index) *catalog {
	next := &catalog{byTable: maps.Clone(c.byTable), last: c.last}
	next.byTable[x.Table] = slices.DeleteFunc(slices.Clone(next.byTable[x.Table]), func(o *index) bool { return o.id == x.id })
	return next
}

func (c *catalog) find(table, name string) *index {
	for _, x := range c.byTable[table] {
		if x.Def.Name == name {
			return x
		}
	}
	return nil
}

// In the indexes' bucket each has a record of its definition, written once,
// and one of its progress, written with the entries in it.
func definitionKey(id uint64) []byte { return binary.BigEndian.AppendUint64([]byte{'d'}, id) }
func progressKey(id uint64) []byte   { return binary.BigEndian.AppendUint64([]byte{'p'}, id) }

func decodeIndex(id uint64, b []byte) (*index, error) {
	x, err := sortedindex.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%w: index %d: %w", errDamaged, id, err)
	}
	return &index{id: id, Index: x}, nil
}

func loadCatalog(tx *bolt.Tx) (*catalog, error) {
	c := &catalog{}
	cursor := tx.Bucket(indexesBucket).Cursor()
	for k, v := cursor.Seek([]byte{'d'}); len(k) == 9 && k[0] == 'd'; k, v = cursor.Next() {
		x, err := decodeIndex(binary.BigEndian.Uint64(k[1:]), v)
		if err != nil {
			return nil, err
		}
		c = c.with(x)
	}
	// A dropped index's id is not used again by this store, but may be after
	// it has been opened anew: nothing is left of it then.
	return c, nil
}

// progress is how far an index has come.
type progress struct {
	ready   bool
	long    bool   // a field was cut (see sortedindex): the order is not exact
	entries int64  // in it
	after   string // the last key that its building has looked at
}

func (p *progress) encode() []byte {
	var flags byte
	if p.ready {
		flags |= 1
	}
	if p.long {
		flags |= 2
	}
	b := binary.AppendVarint([]byte{flags}, p.entries)
	return append(b, p.after...)
}

// readProgress says found is false where the index is not in that transaction.
func readProgress(tx *bolt.Tx, id uint64) (p progress, found bool, err error) {
	b := tx.Bucket(indexesBucket).Get(progressKey(id))
	if b == nil {
		return progress{}, false, nil
	}
	entries, size := binary.Varint(b[1:])
	if size <= 0 {
		return progress{}, false, damagedf("the progress of index %d is cut short", id)
	}
	return progress{ready: b[0]&1 != 0, long: b[0]&2 != 0, entries: entries, after: string(b[1+size:])}, true, nil
}
