package pgstore

import (
	"slices"
	"strconv"
	"strings"

	"larder/internal/store"
	"larder/internal/value"
)

// statement is one to run. Its answer counts where it has at least so many
// entries, and does not say that there is more.
type statement struct {
	sql     string
	args    []any
	atLeast int
}

// emptyRow are the columns of a row that is no entry.
const emptyRow = "null::text, null::text, null::bigint, null::timestamptz, null::timestamptz, null::timestamptz, null::jsonb, null::boolean, null::xid8, null::bigint, null::jsonb, null::bytea"

// effort is what is tried first where neither the order that an index gives nor
// how much it holds is of help.
type effort struct {
	entries int // of the index, read until there are more
	keys    int // then walked along
}

// defaultEffort costs some milliseconds.
var defaultEffort = effort{entries: 1_000, keys: 5_000}

func sortFields(c *store.Compiled, columns columnsByField, ordered string) []sortField {
	comparisons := conjuncts(c.Filter)
	fields := make([]sortField, len(c.Sort))
	for i, by := range c.Sort {
		fields[i] = newSortField(by, comparisons, columns, ordered)
	}
	return fields
}

// ways are the statements that find the page's entries and one more, to be tried
// one after the other. The last one always has the answer.
func (p *queryPlan) ways() []statement {
	fields := sortFields(p.query, p.index.byField(), p.ordered)
	switch {
	case p.index == nil && inKeyOrder(fields):
		return []statement{p.way(p.walkWithin(fields, p.query.Budget, noteOver))}
	case p.index == nil:
		return []statement{p.way(p.sortWithin(fields))}
	}
	switch p.indexOrder(fields) {
	case wholeOrder:
		return []statement{p.way(func(q *queryText) string { return p.page(p.selected(q, fields, "", ""), fields) })}
	case typedOrder:
		return []statement{p.way(p.inSegments(fields))}
	case inKeysOrder:
		walk := p.way(p.walkWithin(fields, p.effort.keys, ""))
		walk.atLeast = p.query.Limit + 1
		if p.query.Offset > p.effort.entries { // past all that ifFew reads, with the row that would say that there is more
			return []statement{walk, p.way(p.sortAll(fields))}
		}
		return []statement{p.way(p.ifFew(fields)), walk, p.way(p.sortAll(fields))}
	}
	return []statement{p.way(p.sortAll(fields))}
}

func (p *queryPlan) way(write func(q *queryText) string) statement {
	var q queryText
	return statement{sql: p.noted(emptyRow, write(&q)), args: q.args}
}

// selected gives the entries that match and come after the position. More says
// what else has to hold.
func (p *queryPlan) selected(q *queryText, fields []sortField, more, note string) string {
	beyond := positionText{q, fields, p.query.After, p.ordered}.beyond()
	if note == "" {
		note = "null::text"
	}
	return "select " + columns + ", " + note + " from " + p.entries + " e where " + p.alive(q) + " and " + p.matching(q) + " and " + beyond + more
}

// page sorts and cuts.
func (p *queryPlan) page(sql string, fields []sortField) string {
	return sql + " order by " + orderBy(fields) + p.cut()
}

func (p *queryPlan) cut() string {
	text := " limit " + strconv.Itoa(p.query.Limit+1)
	if p.query.Offset > 0 {
		text += " offset " + strconv.Itoa(p.query.Offset)
	}
	return text
}

// sortAll finds all that match, and only then sorts. OFFSET 0 keeps PostgreSQL
// from thinking of both at once.
func (p *queryPlan) sortAll(fields []sortField) func(q *queryText) string {
	return func(q *queryText) string {
		return p.page("select "+columns+", null::text from ("+p.rows(q, fields)+" offset 0) e", fields)
	}
}

// rows are those that match, with all their columns.
func (p *queryPlan) rows(q *queryText, fields []sortField) string {
	beyond := positionText{q, fields, p.query.After, p.ordered}.beyond()
	return "select e.* from " + p.entries + " e where " + p.alive(q) + " and " + p.matching(q) + " and " + beyond
}

// ifFew reads the index in its own order, and gives up where there are more than
// a few.
func (p *queryPlan) ifFew(fields []sortField) func(q *queryText) string {
	return func(q *queryText) string {
		var terms []string
		for _, c := range p.index.columns {
			terms = append(terms, c.sql(entryValue))
		}
		few := p.rows(q, fields) + " order by " + strings.Join(terms, ", ") + " limit " + strconv.Itoa(p.effort.entries+1)
		note := "case when count(*) over () > " + strconv.Itoa(p.effort.entries) + " then '" + noteMore + "' end"
		return p.page("select "+columns+", "+note+" from ("+few+") e", fields)
	}
}

// walkWithin goes along the keys until the page is full, and at most so far. Each
// row is numbered, and where there is a note for it, the first beyond comes
// through whatever it holds.
func (p *queryPlan) walkWithin(fields []sortField, most int, note string) func(q *queryText) string {
	return func(q *queryText) string {
		from := p.looked(q) + " and " + positionText{q, fields, p.query.After, p.ordered}.beyond()
		if note == "" {
			rows := "select e.* from " + p.entries + " e where " + from + " order by e.key limit " + strconv.Itoa(most)
			return p.page("select "+columns+", null::text from ("+rows+") e where "+p.matching(q), nil)
		}
		over := "e.place > " + strconv.Itoa(most)
		rows := "select e.*, row_number() over (order by e.key) as place from " + p.entries + " e where " + from + " order by e.key limit " + strconv.Itoa(most+1)
		matches := "select e.*, row_number() over (order by e.key) as nth from (" + rows + ") e where " + over + " or " + p.matching(q) +
			" order by e.key limit " + strconv.Itoa(p.query.Offset+p.query.Limit+1)
		return "select " + columns + ", case when " + over + " then '" + note + "' end from (" + matches + ") e where e.nth > " + strconv.Itoa(p.query.Offset) + " or " + over + " order by e.key"
	}
}

// inKeyOrder says whether there is nothing to sort by but keys.
func inKeyOrder(fields []sortField) bool {
	return !slices.ContainsFunc(fields, func(f sortField) bool { return f.constant == nil })
}

// sortWithin looks at all there is, unless that is too much.
func (p *queryPlan) sortWithin(fields []sortField) func(q *queryText) string {
	return func(q *queryText) string {
		size := p.sizeSQL(q, emptyRow)
		beyond := positionText{q, fields, p.query.After, p.ordered}.beyond()
		return size + "(" + p.page("select "+columns+", null::text from "+p.entries+" e where "+p.looked(q)+" and (select not size.over from size) and "+p.matching(q)+" and "+beyond, fields) + ")"
	}
}

// sizeSQL begins a statement that has to look at all there is, or says that this
// is too much. row is a row without its note.
func (p *queryPlan) sizeSQL(q *queryText, row string) string {
	return "with size as materialized (select count(*) > " + strconv.Itoa(p.query.Budget) + " as over from (select from " + p.entries + " e where " + p.looked(q) +
		" limit " + strconv.Itoa(p.query.Budget+1) + ") e)\nselect " + row + ", '" + noteOver + "' from size where size.over\nunion all\n"
}

// inSegments sorts by a field that may hold anything, while the index orders
// values of one type: what comes before those, those, and what comes after.
func (p *queryPlan) inSegments(fields []sortField) func(q *queryText) string {
	return func(q *queryText) string {
		column := p.index.columns[p.constant]
		at := slices.IndexFunc(fields, func(f sortField) bool { return f.constant == nil })
		typed := slices.Clone(fields)
		typed[at].kind = column.kind()
		typed[at].setValue(column.field.Path, p.index.byField(), p.ordered)
		lowest, highest := column.kind(), column.kind()
		if column.kind() == value.True {
			lowest = value.False
		}
		sql := column.sql(entryValue)
		segments := []string{
			p.segment(q, fields, " and "+sql+" is null and "+fields[at].kindSQL+" < "+kindNumber(lowest)),
			p.segment(q, typed, " and "+exists(sql)),
			p.segment(q, fields, " and "+sql+" is null and "+fields[at].kindSQL+" > "+kindNumber(highest)),
		}
		if fields[at].descending {
			slices.Reverse(segments)
		}
		return "select * from (" + strings.Join(segments, "\nunion all\n") + ") e" + p.cut()
	}
}

func (p *queryPlan) segment(q *queryText, fields []sortField, more string) string {
	return "(" + p.selected(q, fields, more, "") + " order by " + orderBy(fields) + " limit " + strconv.Itoa(p.query.Offset+p.query.Limit+1) + ")"
}

// countWay gives the count, and notes in a second column.
func (p *queryPlan) countWay() statement {
	var q queryText
	const empty = "null::bigint"
	count := "select count(*), null::text from " + p.entries + " e where "
	var sql string
	if p.index != nil || p.query.Filter.IsZero() {
		sql = count + p.alive(&q) + " and " + p.matching(&q)
	} else {
		sql = p.sizeSQL(&q, empty) + count + p.looked(&q) + " and (select not size.over from size) and " + p.matching(&q)
	}
	return statement{sql: p.noted(empty, sql), args: q.args}
}
