package pgstore

import (
	"strconv"
	"strings"
)

// selection is a statement that is put together, with its arguments. What
// comes from a caller is always an argument.
type selection struct {
	sql  strings.Builder
	args []any
}

func (q *selection) add(parts ...string) {
	for _, part := range parts {
		q.sql.WriteString(part)
	}
}

// arg takes an argument and gives its name in the statement.
func (q *selection) arg(v any) string {
	q.args = append(q.args, v)
	return "$" + strconv.Itoa(len(q.args))
}

func (q *selection) text() string { return q.sql.String() }

// within narrows the rows of e down to a range of keys.
func (q *selection) within(k keyRange) {
	switch {
	case k.exclusive:
		q.add(" and e.key > ", q.arg(k.from))
	case k.from != "":
		q.add(" and e.key >= ", q.arg(k.from))
	}
	if k.to != "" {
		q.add(" and e.key < ", q.arg(k.to))
	}
}

// living narrows the rows of e down to those that a reader sees now.
func (q *selection) living(s *Store) {
	q.add(" and ", isLiving(q.now(s)))
}

// now is the time of the statement, the same for all of its rows.
func (q *selection) now(s *Store) string { return clockOf(q.arg(s.now())) }

// clockOf is the clock's time where an argument is null, which it always is but
// in tests. A statement that is to use an index by it needs it not to move.
func clockOf(arg string) string { return "coalesce(" + arg + "::timestamptz, statement_timestamp())" }

func isLiving(now string) string {
	return "not e.deleted and (e.expires_at is null or e.expires_at > " + now + ")"
}
