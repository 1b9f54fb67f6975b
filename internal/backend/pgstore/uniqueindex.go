package pgstore

import (
	"strconv"
	"strings"

	"larder/internal/store"
)

// rest is the last column of a unique index: what its other columns don't hold
// of the fields, hashed, so that two entries agree in all columns where they
// agree in all fields. It is null, which equals nothing, where a field holds
// another type than declared.
//
// MD5 is the only hash that PostgreSQL has for texts in an index. Two strings
// with the same one can be made up, so there are two of different beginnings.
func (x *index) rest(column string) string {
	parts := []string{"''"}
	for i, f := range x.def.Fields {
		if f.Type == store.StringField && i < len(x.columns) {
			whole := stringAt(column, f.Path)
			parts = append(parts, "case when char_length("+whole+") > "+strconv.Itoa(x.columns[i].cut)+" then "+hashed(whole)+" else '' end")
			continue
		}
		if i >= len(x.columns) {
			parts = append(parts, hashed(x.plainText(column, f)))
		}
	}
	return "(" + strings.Join(parts, " || '.' || ") + ")"
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

func hashed(text string) string { return "md5(" + text + ") || md5('larder' || " + text + ")" }
