package pgstore

import (
	"strings"

	"larder/internal/store"
	"larder/internal/value"
)

// queryPlan is how a query is put to PostgreSQL.
//
// PostgreSQL decides how to find what is asked for, but it has no statistics on
// what partial indexes are built on, and takes any comparison to hold for every
// two hundredth entry, any range for every third. On such a guess it likes to
// walk along the keys until the page is full, which may be never. So where an
// index helps, the statement is of a form in which that is no way to go.
type queryPlan struct {
	query   *store.Compiled
	entries string // the table, with its schema
	ordered string // the function that orders arrays and objects
	clock   func(q *queryText) string
	effort  effort

	comparisons []value.Filter // that all have to hold
	indexes     []*index       // those that can answer some of them
	index       *index         // the one they are written for; nil: none helps
	constant    int            // how many of its columns have one value
}

func (s *Store) newPlan(c *store.Compiled, indexes []*index) *queryPlan {
	p := &queryPlan{
		query: c, entries: s.sql.entries, ordered: s.sql.ordered, clock: s.clockText, effort: s.effort,
		comparisons: conjuncts(c.Filter),
	}
	p.choose(indexes)
	return p
}

// clockText is the time by which entries have expired or have not, read once in
// a statement.
func (s *Store) clockText(q *queryText) string {
	if now := s.now(); now != nil {
		return q.time(*now)
	}
	return "(select clock_timestamp())"
}

// choose finds the indexes that account for some of the comparisons, and of
// these the one that accounts for the most, and best also gives the order.
func (p *queryPlan) choose(indexes []*index) {
	most, inOrder := 0, false
	for _, x := range indexes {
		if !x.ready {
			continue
		}
		used, constant := x.accountsFor(p.comparisons)
		if used == 0 {
			continue
		}
		p.indexes = append(p.indexes, x)
		if ordered := x.orders(p.query.Sort, constant); used > most || used == most && ordered && !inOrder {
			p.index, p.constant, most, inOrder = x, constant, used, ordered
		}
	}
}

// order is what PostgreSQL can do with the index for the query's order.
type indexOrder uint8

const (
	noOrder     indexOrder = iota
	wholeOrder             // walking it gives the order, or nearly so
	typedOrder             // it does among entries with the next column's type
	inKeysOrder            // the order is that of keys, and it does not give that
)

// indexOrder finds that out.
func (p *queryPlan) indexOrder(fields []sortField) indexOrder {
	var rest []sortField
	for _, f := range fields {
		if f.constant == nil {
			rest = append(rest, f)
		}
	}
	columns := p.index.columns[p.constant:]
	switch {
	case len(rest) == 0 && len(columns) == 0 && !p.index.def.Unique:
		return wholeOrder
	case len(rest) == 0:
		return inKeysOrder
	case len(rest) > len(columns):
		return noOrder
	}
	for i, f := range rest {
		if !f.isOf(columns[i]) || f.descending != rest[0].descending {
			return noOrder
		}
	}
	typed := true
	for _, f := range rest {
		typed = typed && f.kind != value.Missing
	}
	switch {
	case typed:
		return wholeOrder
	case len(rest) == 1:
		return typedOrder
	}
	return noOrder
}

// isOf says whether a sort is by a column of an index.
func (f *sortField) isOf(c indexColumn) bool {
	return f.pointer != nil && f.pointer.String() == c.field.Path.String() && (f.kind == value.Missing || f.kind == c.kind())
}

// kind is the class of the values that a column holds.
func (c indexColumn) kind() value.Kind {
	switch c.field.Type {
	case store.NumberField:
		return value.Number
	case store.BooleanField:
		return value.True
	default:
		return value.String
	}
}

// comparisonsOfKey are those that bound the keys to be looked at.
func (p *queryPlan) comparisonsOfKey() []value.Filter {
	var all []value.Filter
	for _, f := range p.comparisons {
		if f.Path != "$key" {
			continue
		}
		switch f.Op {
		case value.OpEq, value.OpIn, value.OpGt, value.OpGte, value.OpLt, value.OpLte, value.OpPrefix:
			all = append(all, f)
		}
	}
	return all
}

// alive says which rows are entries of the table, as a reader sees it.
func (p *queryPlan) alive(q *queryText) string {
	return "e.table_name = " + literal(p.query.Table) + " and not e.deleted and (e.expires_at is null or e.expires_at > " + p.clock(q) + ")"
}

// looked says which rows are looked at where no index helps: those that are
// alive, less those that the primary key leaves out.
func (p *queryPlan) looked(q *queryText) string {
	tests := []string{p.alive(q)}
	for _, f := range p.comparisonsOfKey() {
		tests = append(tests, filterText{queryText: q}.condition(f, false))
	}
	return strings.Join(tests, " and ")
}

func (p *queryPlan) matching(q *queryText) string {
	return filterText{queryText: q, columns: p.index.byField()}.condition(p.query.Filter, false)
}
