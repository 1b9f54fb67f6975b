package sortedindex

import (
	"slices"

	"larder/internal/store"
	"larder/internal/value"
)

// maxSpans bounds into how many ranges of an index a query may be taken apart,
// as in on several fields does.
const maxSpans = 1000

// Candidate is an index that might answer a query, as it is when the query is
// answered.
type Candidate struct {
	*Index
	Ready bool // all of the table is in it; only then it answers queries
	Long  bool // it has held a field that was cut
}

// Access is a way to the entries that may match a query: ranges of an index, or
// the whole table. It only narrows; each entry is still held against the filter,
// unless Exact says that there is no need to.
type Access struct {
	Index *Index // of one of the candidates; nil: the table
	Spans []Span // of the index: in order, apart from each other, none empty
	Exact bool   // what the index has within its spans is what the filter holds for

	// InOrder says that entries come in the order of the query: the table's by
	// key, an index's from the first span to the last. Then Spans begin after the
	// query's position.
	InOrder bool
	// Descending says that they come so backwards: from the highest fields to the
	// lowest, but among those that have the same from the lowest key to the
	// highest. Then Spans end with the fields of the query's position, which are
	// Same, and hold what has these and comes before it too.
	Descending bool
	Same       []byte

	used     int    // comparisons of the filter that it accounts for
	constant int    // how many of the index's first fields are one value each
	prefix   []byte // and the form of these
}

// Plan chooses an access. The one that accounts for the most comparisons is the
// best; of two, the one that gives the query's order, and then the first.
func Plan(candidates []Candidate, q *store.Query) Access {
	best := Access{InOrder: len(q.Sort) == 0, Exact: q.Filter.IsZero()}
	comparisons, whole := conjuncts(q.Filter)
	for _, x := range candidates {
		if !x.Ready {
			continue
		}
		a, ok := accessBy(x, comparisons)
		if !ok {
			continue
		}
		a.Exact = a.Exact && whole && a.used == len(comparisons)
		if !x.Long {
			a.order(q.Sort)
		}
		if a.used > best.used || a.used == best.used && a.InOrder && !best.InOrder {
			best = a
		}
	}
	best.resume(q)
	best.Spans = slices.DeleteFunc(best.Spans, Span.isEmpty)
	return best
}

// accessBy takes a filter's comparisons apart into spans of an index: single
// values of its first fields, and then at most one range.
func accessBy(x Candidate, comparisons []value.Filter) (Access, bool) {
	a := Access{Index: x.Index, Exact: !x.Long}
	used := make(map[int]bool)
	prefixes := [][]byte{nil}
	for i, f := range x.Def.Fields {
		b, ok := boundsOf(f, i == 0, comparisons)
		if !ok || len(prefixes)*max(len(b.points), 1) > maxSpans {
			break
		}
		for _, c := range b.used {
			used[c] = true
		}
		a.Exact = a.Exact && b.exact
		if b.points == nil {
			a.Spans = b.span.after(prefixes)
			break
		}
		prefixes = b.pointsAfter(prefixes)
		if len(b.points) == 1 && a.constant == i {
			a.constant, a.prefix = i+1, prefixes[0]
		}
	}
	if a.Spans == nil {
		for _, prefix := range prefixes {
			a.Spans = append(a.Spans, StartingWith(prefix))
		}
	}
	a.used = len(used)
	return a, a.used > 0
}

// order finds out whether walking the index gives a query's order: sorted by
// the fields that are not constant, all of them and in their order, all
// upwards or all downwards. Among equals it is then the keys that decide.
func (a *Access) order(sort []store.Sort) {
	fields := a.Index.Def.Fields
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
	a.InOrder = true
	a.Descending = len(sort) > 0 && sort[0].Descending
}

// resume leaves of the spans what comes after the query's position.
func (a *Access) resume(q *store.Query) {
	if q.After == nil || a.Index == nil || !a.InOrder {
		return
	}
	fields := a.positionFields(q)
	after := Span{Lo: afterEntry(fields, q.After.Key)}
	if a.Descending {
		after, a.Same = Span{Hi: prefixEnd(fields)}, fields
	}
	for i := range a.Spans {
		a.Spans[i] = a.Spans[i].within(after)
	}
}

// positionFields are the fields that the query's position stands for: the
// constant ones, and of the others what it is sorted by. They are not cut: an
// index that gives an order has none that are.
func (a *Access) positionFields(q *store.Query) []byte {
	fields := slices.Clip(a.prefix)
	for _, f := range a.Index.Def.Fields[a.constant:] {
		path := f.Path.String()
		at := slices.IndexFunc(q.Sort, func(s store.Sort) bool { return s.Path == path })
		fields = value.AppendOrdered(fields, q.After.Sort[at].Data)
	}
	return fields
}

// afterEntry is the first place after an entry's own. Keys have no control
// characters, so a one is above what may stand behind the entry's key, and
// below how any longer key goes on.
func afterEntry(fields []byte, key string) []byte {
	return append(append(slices.Clip(fields), key...), 1)
}
