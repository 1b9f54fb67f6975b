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
	most   int // what the page needs, and one to see that there is another
	room   int // what is kept
	heap   worstFirst
	misses bool // matches were not kept, for which there was no room
	// bound is before all of those, once some of the others have been taken back:
	// what comes after it is not kept from then on, as one of those may be before it.
	bound   ranked
	bounded bool
}

// Collect begins a page. inOrder promises that entries are added in the
// query's order, so that Add can say when no more are needed.
func (c *Compiled) Collect(inOrder bool) *Collector {
	top := c.CollectSpare(0)
	top.sorted = inOrder
	return top
}

// CollectSpare begins a page of matches some of which may have to be taken back
// with Strike, as where they can't all be read at one moment. It keeps up to
// spare more than the page needs, to take their place.
func (c *Compiled) CollectSpare(spare int) *Collector {
	most := c.Offset + c.Limit + 1
	top := &Collector{query: c, most: most, room: most + spare}
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
	switch {
	case len(t.heap.entries) == t.room:
		t.misses = true
		if t.query.compare(r, t.heap.entries[0]) < 0 {
			t.heap.entries[0] = r
			heap.Fix(&t.heap, 0)
		}
	case !t.bounded || t.query.compare(r, t.bound) <= 0:
		heap.Push(&t.heap, r)
	}
	return true
}

// IsFull says whether there are as many matches as the page needs.
func (t *Collector) IsFull() bool { return len(t.heap.entries) >= t.most }

// Strike takes back the matches that gone names.
func (t *Collector) Strike(gone func(Entry) bool) {
	if t.misses && len(t.heap.entries) == t.room {
		t.bound, t.bounded = t.heap.entries[0], true
	}
	t.heap.entries = slices.DeleteFunc(t.heap.entries, func(r ranked) bool { return gone(r.entry) })
	if !t.sorted {
		heap.Init(&t.heap)
	}
}

// IsComplete says whether the page is known. It is not where so many matches
// were taken back that others belong in it which were not kept.
func (t *Collector) IsComplete() bool { return !t.misses || t.IsFull() }

// Entries are those that are kept, in no order, whole.
func (t *Collector) Entries() []Entry {
	entries := make([]Entry, len(t.heap.entries))
	for i, r := range t.heap.entries {
		entries[i] = r.entry
	}
	return entries
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
