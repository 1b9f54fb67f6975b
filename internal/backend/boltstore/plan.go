package boltstore

import (
	"bytes"
	"slices"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
	"larder/internal/value"
)

// maxSpans bounds into how many ranges of an index a query may be taken apart,
// as in on several fields does.
const maxSpans = 1000

// access is a way to the entries that may match a query: spans of an index, or
// the whole table. It only narrows; each entry is still held against the filter.
type access struct {
	index *indexTx // nil: the table
	spans []span   // in order, apart from each other
	used  int      // comparisons of the filter that it accounts for
	exact bool     // and it accounts for the filter wholly

	constant   int  // how many of the index's first fields are one value each
	inOrder    bool // entries come in the order of the query
	descending bool // then: backwards
}

// plan chooses an access. The one that accounts for the most comparisons is the
// best; of two, the one that gives the query's order.
func plan(tx *bolt.Tx, c *catalog, q *store.Query) (access, error) {
	table := access{inOrder: len(q.Sort) == 0, exact: q.Filter.IsZero()}
	indexes, err := openIndexes(tx, c, q.Table)
	if err != nil {
		return access{}, err
	}
	comparisons, whole := conjuncts(q.Filter)
	best := table
	for _, x := range indexes {
		if !x.progress.ready {
			continue
		}
		a, ok := accessBy(x, comparisons)
		if !ok {
			continue
		}
		a.exact = a.exact && whole && a.used == len(comparisons)
		a.order(q.Sort)
		if a.used > best.used || a.used == best.used && a.inOrder && !best.inOrder {
			best = a
		}
	}
	return best, nil
}

// accessBy takes a filter's comparisons apart into spans of an index: single
// values of its first fields, and then at most one range.
func accessBy(x *indexTx, comparisons []value.Filter) (access, bool) {
	a := access{index: x, exact: !x.progress.long}
	used := make(map[int]bool)
	prefixes := [][]byte{nil}
	for i, f := range x.def.Fields {
		b, ok := boundsOf(f, i == 0, comparisons)
		if !ok || len(prefixes)*max(len(b.points), 1) > maxSpans {
			break
		}
		for _, c := range b.used {
			used[c] = true
		}
		a.exact = a.exact && b.exact
		if b.points == nil {
			a.spans = b.span.after(prefixes)
			break
		}
		if len(b.points) == 1 && a.constant == i {
			a.constant++
		}
		prefixes = b.pointsAfter(prefixes)
	}
	if a.spans == nil {
		for _, prefix := range prefixes {
			a.spans = append(a.spans, span{prefix, prefixEnd(prefix)})
		}
	}
	a.used = len(used)
	return a, a.used > 0
}

// after gives the span behind each of the prefixes.
func (s span) after(prefixes [][]byte) []span {
	spans := make([]span, len(prefixes))
	for i, prefix := range prefixes {
		spans[i] = span{slices.Concat(prefix, s.lo), slices.Concat(prefix, s.hi)}
		if s.hi == nil {
			spans[i].hi = prefixEnd(prefix)
		}
	}
	return spans
}

// pointsAfter gives each of the points behind each of the prefixes.
func (b *fieldBounds) pointsAfter(prefixes [][]byte) [][]byte {
	all := make([][]byte, 0, len(prefixes)*len(b.points))
	for _, prefix := range prefixes {
		for _, point := range b.points {
			all = append(all, slices.Concat(prefix, point))
		}
	}
	return all
}

// order finds out whether walking the index gives a query's order: sorted by
// the fields that are not constant, all of them and in their order, all
// upwards or all downwards. Among equals it is then the keys that decide.
func (a *access) order(sort []store.Sort) {
	if a.index.progress.long {
		return
	}
	fields := a.index.def.Fields
	constant := make([]string, a.constant)
	for i := range constant {
		constant[i] = fields[i].Path.String()
	}
	sort = slices.DeleteFunc(slices.Clone(sort), func(s store.Sort) bool { return slices.Contains(constant, s.Path) })
	rest := fields[a.constant:]
	if len(sort) != len(rest) {
		return
	}
	for i, s := range sort {
		if s.Path != rest[i].Path.String() || s.Descending != sort[0].Descending {
			return
		}
	}
	a.inOrder = true
	a.descending = len(sort) > 0 && sort[0].Descending
}

func sortedUnique(points [][]byte) [][]byte {
	slices.SortFunc(points, bytes.Compare)
	return slices.CompactFunc(points, bytes.Equal)
}
