package pgstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// queryText gathers the arguments of a statement as its text is put together.
// Values are arguments always; in the text stand only paths and tables' names,
// which an index has to recognize.
type queryText struct{ args []any }

// arg adds an argument, in PostgreSQL's text form, and gives its place in the
// text.
func (q *queryText) arg(text, typ string) string {
	q.args = append(q.args, text)
	return "$" + strconv.Itoa(len(q.args)) + "::" + typ
}

// text adds a string. One that PostgreSQL can't hold equals nothing it holds,
// and none of larder's strings is such a one.
func (q *queryText) text(s string) string { return q.arg(s, "text") }

// time adds a time between the years 0 and 9999.
func (q *queryText) time(t time.Time) string {
	t = t.UTC()
	era := ""
	if t.Year() < 1 { // year 0 is 1 BC
		t = t.AddDate(1, 0, 0)
		era = " BC"
	}
	return q.arg(t.Format("2006-01-02T15:04:05.000000Z")+era, "timestamptz")
}

// array adds an array of texts.
func (q *queryText) array(elements []string, typ string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range elements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		for j := range len(s) {
			if s[j] == '"' || s[j] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(s[j])
		}
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return q.arg(b.String(), typ+"[]")
}

// literal writes a string into the text of a statement. Whatever the settings,
// E” reads back what was meant (PostgreSQL's manual, 4.1.2.2), and only
// harmless characters stand for themselves. s has no U+0000.
func literal(s string) string {
	var b strings.Builder
	b.WriteString("E'")
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-' || r == '.':
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
