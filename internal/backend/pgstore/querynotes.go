package pgstore

import (
	"fmt"
	"strconv"
	"strings"

	"larder/internal/store"
)

// The last column of an answer is null for an entry, and else a note.
const (
	noteOver = "over" // there is more to look at than may be looked at
	noteMore = "more" // there is more than the statement was to find
)

// notes are what an answer says besides entries.
type notes struct {
	over, more bool
	usages     [][]usage // as the statement began, and as it ended
}

// usage is how often a session has begun to read an index since its counters
// were last reset, and how many of its entries it has read.
type usage struct{ scans, entries int64 }

// take reads a note, and says whether it was one.
func (n *notes) take(note []byte) bool {
	switch string(note) {
	case "":
		return false
	case noteOver:
		n.over = true
		return true
	case noteMore:
		n.more = true
		return true
	}
	var all []usage
	for text := range strings.SplitSeq(string(note), " ") {
		scans, entries, _ := strings.Cut(text, "/")
		all = append(all, usage{counter(scans), counter(entries)})
	}
	n.usages = append(n.usages, all)
	return true
}

func counter(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0 // a counter that can't be read says nothing
	}
	return n
}

// told is the plan that PostgreSQL followed. That is not asked of EXPLAIN, which
// would plan anew, but read from what the session counts of its indexes anyway
// (PostgreSQL's manual, 28.2.2).
func (p *queryPlan) told(usages [][]usage, backend string) store.Plan {
	plan := store.Plan{Backend: backend, Mode: store.ByPushdown}
	if len(usages) != 2 || len(usages[0]) != len(p.indexes) || len(usages[1]) != len(p.indexes) {
		return plan
	}
	for i, x := range p.indexes {
		before, after := usages[0][i], usages[1][i]
		if after.scans == before.scans {
			continue
		}
		if plan.Mode != store.ByIndex || x == p.index {
			plan.Mode, plan.Index = store.ByIndex, x.def.Name
		}
		plan.Scanned += after.entries - before.entries
	}
	return plan
}

// usageSQL gives, as one text, what the session has counted of each index. The
// functions are volatile, so that is done when its row's turn comes.
func (p *queryPlan) usageSQL() string {
	parts := make([]string, len(p.indexes))
	for i, x := range p.indexes {
		parts[i] = fmt.Sprintf("pg_stat_get_xact_numscans(%d) || '/' || pg_stat_get_xact_tuples_returned(%d)", x.oid, x.oid)
	}
	return "concat_ws(' ', " + strings.Join(parts, ", ") + ")"
}

// noted sets a statement between two rows with notes; row is such a row without
// its note.
func (p *queryPlan) noted(row, sql string) string {
	if len(p.indexes) == 0 {
		return sql
	}
	note := "select " + row + ", " + p.usageSQL()
	return note + "\nunion all\n(" + sql + ")\nunion all\n" + note
}
