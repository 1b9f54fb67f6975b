package store

import (
	"container/heap"
	"slices"
)

// Collector gathers a query's page from matches in any order, and keeps no
// more of them than the page needs.
//
//	top := compiled.Collect(false)
//	for each candidate e {
//		if compiled.Match(e) && !top.Add(e) {
//			break // sorted input: the page is full
//		}
//	}
//	found := top.Found()
type Collector struct {
	query  *Compiled
	sorted bool
	most   int
	heap   worstFirst
}

// Collect begins a page. inOrder promises that entries are added in the
// query's order, so that Add can say when no more are needed.
func (c *Compiled) Collect(inOrder bool) *Collector {
	top := &Collector{query: c, sorted: inOrder, most: c.Offset + c.Limit + 1}
	top.heap.compare = c.compare
	return top
}

// Add takes a match, and says whether further ones could still count.
func (t *Collector) Add(e Entry) (more bool) {
	r := t.query.rank(e)
	if !t.query.beyond(r) {
		return true
	}
	if t.sorted {
		t.heap.entries = append(t.heap.entries, r)
		return len(t.heap.entries) < t.most
	}
	if len(t.heap.entries) < t.most {
		heap.Push(&t.heap, r)
	} else if t.query.compare(r, t.heap.entries[0]) < 0 {
		t.heap.entries[0] = r
		heap.Fix(&t.heap, 0)
	}
	return true
}

// Found is the page; the collector is then used up.
func (t *Collector) Found() Found {
	if !t.sorted {
		slices.SortFunc(t.heap.entries, t.query.compare)
	}
	return t.query.page(t.heap.entries)
}

// worstFirst is a heap with the entry that sorts last on top.
type worstFirst struct {
	entries []ranked
	compare func(a, b ranked) int
}

func (h *worstFirst) Len() int           { return len(h.entries) }
func (h *worstFirst) Less(i, j int) bool { return h.compare(h.entries[i], h.entries[j]) > 0 }
func (h *worstFirst) Swap(i, j int)      { h.entries[i], h.entries[j] = h.entries[j], h.entries[i] }
func (h *worstFirst) Push(x any)         { h.entries = append(h.entries, x.(ranked)) }
func (h *worstFirst) Pop() any {
	last := len(h.entries) - 1
	r := h.entries[last]
	h.entries = h.entries[:last]
	return r
}
