package pgstore

import (
	"fmt"
	"strconv"
	"strings"

	"larder/internal/store"
	"larder/internal/value"
)

// queryPlan is how a query is put to PostgreSQL, and what comes back about how
// it was answered.
type queryPlan struct {
	query   *store.Compiled
	entries string // the table, with its schema
	ordered string // the function that orders arrays and objects
	clock   func(q *queryText) string

	indexes  []*index // of the table, those that PostgreSQL might use
	index    *index   // the one that comparisons are written for; nil: none helps
	budgeted bool     // no index helps, so what is looked at is bounded

	notes [][]usage // as the statement began and as it ended
	over  bool      // the budget is spent
}

// usage is how often a session has begun to read an index since its counters
// were last reset, and how many of its entries it has read.
type usage struct{ scans, entries int64 }

func (s *Store) newPlan(c *store.Compiled, indexes []*index) *queryPlan {
	p := &queryPlan{query: c, entries: s.sql.entries, ordered: s.sql.ordered, clock: s.clockText}
	for _, x := range indexes {
		if x.ready {
			p.indexes = append(p.indexes, x)
		}
	}
	p.index = chooseIndex(p.indexes, conjuncts(c.Filter), c.Sort)
	p.budgeted = p.index == nil
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

// noted takes a row that is no entry but a note: the counters of the indexes, or
// that the budget is spent.
func (p *queryPlan) noted(note []byte) bool {
	switch {
	case note == nil:
		return false
	case string(note) == overBudget:
		p.over = true
		return true
	}
	var all []usage
	for text := range strings.SplitSeq(string(note), " ") {
		scans, entries, _ := strings.Cut(text, "/")
		all = append(all, usage{number(scans), number(entries)})
	}
	p.notes = append(p.notes, all)
	return true
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0 // counters that can't be read say nothing
	}
	return n
}

func (p *queryPlan) refusal() error {
	if p.over {
		return tooExpensive(p.query)
	}
	return nil
}

// told is the plan that PostgreSQL followed. That is not asked of EXPLAIN, which
// plans a second time, but read from what the session counts of its indexes
// anyway (PostgreSQL's manual, 28.2.2).
func (p *queryPlan) told(backend string) store.Plan {
	plan := store.Plan{Backend: backend, Mode: store.ByPushdown}
	if len(p.notes) != 2 {
		return plan
	}
	before, after := p.notes[0], p.notes[1]
	for i, x := range p.indexes {
		if i >= len(before) || i >= len(after) || after[i].scans == before[i].scans {
			continue
		}
		if plan.Mode != store.ByIndex || x == p.index {
			plan.Mode, plan.Index = store.ByIndex, x.def.Name
		}
		plan.Scanned += after[i].entries - before[i].entries
	}
	return plan
}

// note gives, as one text, what the session has counted of each index. The
// functions are volatile, so that it is counted when its row's turn comes.
func (p *queryPlan) note() string {
	parts := make([]string, len(p.indexes))
	for i, x := range p.indexes {
		parts[i] = fmt.Sprintf("coalesce(pg_stat_get_xact_numscans(%d), 0) || '/' || coalesce(pg_stat_get_xact_tuples_returned(%d), 0)", x.oid, x.oid)
	}
	return "concat_ws(' ', " + strings.Join(parts, ", ") + ")"
}

// between sets a statement between two rows with notes; row is such a row
// without its note.
func (p *queryPlan) between(row, statement string) string {
	if len(p.indexes) == 0 {
		return statement
	}
	note := "select " + row + ", " + p.note()
	return note + "\nunion all\n(" + statement + ")\nunion all\n" + note
}

// comparisonsOfKey are those of a filter that bound the keys to be looked at.
func (p *queryPlan) comparisonsOfKey() []value.Filter {
	var all []value.Filter
	for _, f := range conjuncts(p.query.Filter) {
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
