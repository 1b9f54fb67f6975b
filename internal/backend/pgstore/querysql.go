package pgstore

import (
	"strconv"
	"strings"

	"larder/internal/store"
)

// overBudget is the note of a row that says there is more to look at than may be
// looked at.
const overBudget = "over"

// emptyRow are the columns of a row that is no entry.
const emptyRow = "null::text, null::text, null::bigint, null::timestamptz, null::timestamptz, null::timestamptz, null::jsonb, null::boolean, null::xid8, null::bigint, null::jsonb, null::bytea"

// alive says which rows are entries of the table, as a reader sees it.
func (p *queryPlan) alive(q *queryText) string {
	return "e.table_name = " + literal(p.query.Table) + " and not e.deleted and (e.expires_at is null or e.expires_at > " + p.clock(q) + ")"
}

// looked says which rows are looked at: those that are alive, less those that
// the primary key leaves out.
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

// sortFieldsOf are what a query sorts by, without regard to any index.
func sortFieldsOf(c *store.Compiled) []sortField { return sortFields(c, nil, "") }

func sortFields(c *store.Compiled, columns columnsByField, ordered string) []sortField {
	comparisons := conjuncts(c.Filter)
	fields := make([]sortField, len(c.Sort))
	for i, by := range c.Sort {
		fields[i] = newSortField(by, comparisons, columns, ordered)
	}
	return fields
}

// searchStatement gives the entries of the page and one more, and among them
// notes in a last column.
func (p *queryPlan) searchStatement() plannedOnce {
	var q queryText
	c := p.query
	fields := sortFields(c, p.index.byField(), p.ordered)
	beyond := func() string { return positionText{&q, fields, c.After, p.ordered}.beyond() }
	var sql string
	switch {
	case !p.budgeted:
		sql = p.sortedSQL(&q, p.alive(&q), fields, beyond())
	case len(c.Sort) > 0:
		sql = p.sizeSQL(&q, emptyRow) + "(" + p.sortedSQL(&q, p.looked(&q)+" and (select not size.over from size)", fields, beyond()) + ")"
	default:
		sql = p.walkSQL(&q, p.looked(&q)+" and "+beyond())
	}
	return plannedOnce{p.between(emptyRow, sql), q.args}
}

// sortedSQL has PostgreSQL choose the way.
func (p *queryPlan) sortedSQL(q *queryText, from string, fields []sortField, beyond string) string {
	return "select " + columns + ", null::text from " + p.entries + " e where " + from + " and " + p.matching(q) + " and " + beyond +
		" order by " + orderBy(fields) + " limit " + strconv.Itoa(p.query.Limit+1) + " offset " + strconv.Itoa(p.query.Offset)
}

// sizeSQL begins a statement that has to look at all there is, or says that this
// is too much. row is a row without its note.
func (p *queryPlan) sizeSQL(q *queryText, row string) string {
	return "with size as materialized (select count(*) > " + strconv.Itoa(p.query.Budget) + " as over from (select from " + p.entries + " e where " + p.looked(q) +
		" limit " + strconv.Itoa(p.query.Budget+1) + ") e)\nselect " + row + ", '" + overBudget + "' from size where size.over\nunion all\n"
}

// walkSQL goes along the keys until the page is full. Each row is numbered, and
// the first over the budget comes through whatever it holds.
func (p *queryPlan) walkSQL(q *queryText, from string) string {
	budget := strconv.Itoa(p.query.Budget)
	most := strconv.Itoa(p.query.Offset + p.query.Limit + 1)
	over := "e.place > " + budget
	rows := "(select e.*, row_number() over (order by e.key) as place from " + p.entries + " e where " + from + " order by e.key limit " + strconv.Itoa(p.query.Budget+1) + ") e"
	matches := "(select e.*, row_number() over (order by e.key) as nth from " + rows + " where " + over + " or " + p.matching(q) + " order by e.key limit " + most + ") e"
	return "select " + columns + ", case when " + over + " then '" + overBudget + "' end from " + matches + " where e.nth > " + strconv.Itoa(p.query.Offset) + " or " + over + " order by e.key"
}

// countStatement gives the count, and notes in a second column.
func (p *queryPlan) countStatement() plannedOnce {
	var q queryText
	const empty = "null::bigint"
	count := "select count(*), null::text from " + p.entries + " e where "
	var sql string
	switch {
	case !p.budgeted || p.query.Filter.IsZero():
		sql = count + p.alive(&q) + " and " + p.matching(&q)
	default:
		sql = p.sizeSQL(&q, empty) + count + p.looked(&q) + " and (select not size.over from size) and " + p.matching(&q)
	}
	return plannedOnce{p.between(empty, sql), q.args}
}
