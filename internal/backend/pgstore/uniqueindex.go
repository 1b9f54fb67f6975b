package pgstore

import (
	"strconv"
	"strings"

	"larder/internal/store"
)

// rest is the last column of a unique index: what its other columns don't hold
// of the fields, hashed, so that two entries agree in all columns where they
// agree in all fields. A field that has no column of its own makes it null where
// it holds another type than declared, and null equals nothing. "" says that the
// columns hold everything.
func (x *index) rest(column string) string {
	var parts []string
	for i, f := range x.def.Fields {
		switch {
		case i >= len(x.columns):
			parts = append(parts, hashed(x.plainText(column, f)))
		case f.Type == store.StringField:
			whole := stringAt(column, f.Path)
			parts = append(parts, "case when char_length("+whole+") > "+strconv.Itoa(x.columns[i].cut)+" then "+hashed(whole)+" else decode('00', 'hex') end")
		}
	}
	if parts == nil {
		return ""
	}
	return "(" + strings.Join(parts, " || ") + ")"
}

// uniqueColumns are the columns in which no two entries may agree.
func (x *index) uniqueColumns(column string) []string {
	columns := make([]string, len(x.columns), len(x.columns)+1)
	for i, c := range x.columns {
		columns[i] = c.sql(column)
	}
	if rest := x.rest(column); rest != "" {
		columns = append(columns, rest)
	}
	return columns
}

// duplicateSQL finds two living entries that agree in all columns, by their keys.
// $1 is the time, or null.
func (x *index) duplicateSQL(entries string) string {
	columns := x.uniqueColumns(entryValue)
	whole := make([]string, len(columns))
	for i, c := range columns {
		whole[i] = exists(c)
	}
	return "select min(e.key), max(e.key) from " + entries + " e where " + x.predicate("e.") +
		" and (e.expires_at is null or e.expires_at > (select coalesce($1::timestamptz, clock_timestamp())))" +
		" and " + strings.Join(whole, " and ") + " group by " + strings.Join(columns, ", ") + " having count(*) > 1 limit 1"
}

// plainText is a field as a text that says all of it.
func (x *index) plainText(column string, f store.IndexField) string {
	switch f.Type {
	case store.NumberField:
		return "trim_scale(" + numberAt(column, f.Path) + ")::text"
	case store.BooleanField:
		return booleanAt(column, f.Path) + "::text"
	default:
		return stringAt(column, f.Path)
	}
}

// hashed is the SHA-256 of a text. To make bytes of it in an index there is only
// the way through bytea's own text form, in which a backslash stands doubled.
func hashed(text string) string {
	return `sha256(replace(` + text + `, E'\\', E'\\\\')::bytea)`
}
