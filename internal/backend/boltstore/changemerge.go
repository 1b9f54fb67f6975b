package boltstore

import (
	"cmp"
	"container/heap"

	bolt "go.etcd.io/bbolt"
)

// changeMerge goes through the orders of change of several tables as one.
type changeMerge struct {
	tables changeHeap
}

// tableChange is a change of a table's.
type tableChange struct {
	table string
	change
}

// changeCursor stands at a change of one table.
type changeCursor struct {
	cursor *bolt.Cursor
	tableChange
}

// add joins a table, from the first change after a sequence.
func (m *changeMerge) add(tx *bolt.Tx, table string, after int64) error {
	bucket := tableBucket(tx, changesArea, table)
	if bucket == nil {
		return nil
	}
	c := &changeCursor{cursor: bucket.Cursor(), tableChange: tableChange{table: table}}
	found, err := c.take(c.cursor.Seek(sequenceKey(after + 1)))
	if found {
		heap.Push(&m.tables, c)
	}
	return err
}

// next gives the change with the lowest sequence, and goes on.
func (m *changeMerge) next() (c tableChange, found bool, err error) {
	if len(m.tables) == 0 {
		return tableChange{}, false, nil
	}
	first := m.tables[0]
	c = first.tableChange
	if found, err = first.take(first.cursor.Next()); err != nil {
		return tableChange{}, false, err
	}
	if found {
		heap.Fix(&m.tables, 0)
	} else {
		heap.Pop(&m.tables)
	}
	return c, true, nil
}

// take makes a key and value in the order of change the current change.
func (c *changeCursor) take(k, v []byte) (found bool, err error) {
	if k == nil {
		return false, nil
	}
	c.change, err = readChange(k, v)
	return err == nil, err
}

// changeHeap has the lowest sequence on top.
type changeHeap []*changeCursor

func (h changeHeap) Len() int           { return len(h) }
func (h changeHeap) Less(i, j int) bool { return cmp.Less(h[i].sequence, h[j].sequence) }
func (h changeHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *changeHeap) Push(x any)        { *h = append(*h, x.(*changeCursor)) }
func (h *changeHeap) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	*h = (*h)[:last]
	return c
}
