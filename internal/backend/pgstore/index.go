package pgstore

import (
	"encoding/json"
	"strconv"
	"strings"

	"larder/internal/store"
	"larder/internal/value"
)

// index is a secondary index: an expression index on the entries of one table
// that have a value of the declared type at the first field.
//
//	create index … on storage_entries (FIELD, FIELD, key)
//	where table_name = '…' and not deleted and FIELD is not null
//
// A field is null where the entry holds another type there. So entries stand
// together by the first field, then the next, and last by key: a query for one
// value of the fields finds its answer in order.
type index struct {
	table    string
	def      store.Index // without Ready and Entries
	relation string      // its name in the schema
	columns  []indexColumn

	ready bool   // built, and sound
	oid   uint32 // 0: there is no such relation
	held  int64  // how many entries it held when they were last counted
}

// indexColumn is a field of an index, in a form whose size is bounded.
type indexColumn struct {
	field store.IndexField
	cut   int // of a string: how many characters; 0 of other types
}

// A B-tree refuses rows of more than 2,704 bytes (PostgreSQL's manual, 67.4).
// The key takes up to 1,024, a number with the most digits that a value may have
// 412, and of strings only the beginning is taken, which decides most
// comparisons; a character has up to 4 bytes. Fields that don't fit any more are
// left out: the index then narrows less.
const (
	rowBytes     = 2_600
	numberBytes  = 412
	booleanBytes = 8
)

// cutFor is how many characters of each string an index of so many strings has.
func cutFor(stringFields int) int {
	switch stringFields {
	case 0, 1:
		return 256
	case 2:
		return 128
	default:
		return 64
	}
}

// newIndex gives an index of a definition.
func newIndex(table string, def store.Index, relation string) *index {
	def.Ready, def.Entries = false, 0
	x := &index{table: table, def: def, relation: relation}
	strings := 0
	for _, f := range def.Fields {
		if f.Type == store.StringField {
			strings++
		}
	}
	left := rowBytes - store.MaxKeyBytes
	for _, f := range def.Fields {
		c := indexColumn{field: f}
		if f.Type == store.StringField {
			c.cut = cutFor(strings)
		}
		if left -= c.bytes(); left < 0 {
			break
		}
		x.columns = append(x.columns, c)
	}
	return x
}

// bytes is how large the column may get.
func (c indexColumn) bytes() int {
	switch c.field.Type {
	case store.NumberField:
		return numberBytes
	case store.BooleanField:
		return booleanBytes
	default:
		return 4*c.cut + 8
	}
}

// sql is the column's expression over a jsonb column.
func (c indexColumn) sql(column string) string {
	switch c.field.Type {
	case store.NumberField:
		return numberAt(column, c.field.Path)
	case store.BooleanField:
		return booleanAt(column, c.field.Path)
	default:
		return "left(" + stringAt(column, c.field.Path) + ", " + strconv.Itoa(c.cut) + ")"
	}
}

// text is a string's column, for comparisons.
func (c indexColumn) text() stringColumn {
	return stringColumn{whole: stringAt(entryValue, c.field.Path), begin: c.sql(entryValue), cut: c.cut}
}

// byField are the columns that comparisons may be written with.
func (x *index) byField() columnsByField {
	if x == nil {
		return nil
	}
	columns := make(columnsByField, len(x.columns))
	for _, c := range x.columns {
		columns[indexedField{c.field.Path.String(), c.field.Type}] = c
	}
	return columns
}

// createSQL makes the index. It names no schema but the table's: an index is
// where its table is.
func (x *index) createSQL(entries string) string {
	kind, columns := "unique index", []string(nil)
	if x.def.Unique {
		columns = x.uniqueColumns("value")
	} else {
		kind = "index"
		for _, c := range x.columns {
			columns = append(columns, c.sql("value"))
		}
		columns = append(columns, "key")
	}
	return "create " + kind + " concurrently " + x.relation + " on " + entries + " (" + strings.Join(columns, ", ") + ") where " + x.predicate("")
}

// predicate says which rows the index is of. of is a row's name with a dot.
func (x *index) predicate(of string) string {
	return of + "table_name = " + literal(x.table) + " and not " + of + "deleted and " + exists(x.columns[0].sql(of+"value"))
}

// definition is the stored form of an index's definition.
type definition struct {
	Unique bool              `json:"unique,omitempty"`
	Fields []definitionField `json:"fields"`
}

type definitionField struct {
	Path string          `json:"path"`
	Type store.FieldType `json:"type"`
}

func (x *index) encode() (string, error) {
	d := definition{Unique: x.def.Unique}
	for _, f := range x.def.Fields {
		d.Fields = append(d.Fields, definitionField{f.Path.String(), f.Type})
	}
	text, err := json.Marshal(d)
	return string(text), err
}

func decodeIndex(table, name, relation string, text []byte) (*index, error) {
	var d definition
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	def := store.Index{Name: name, Unique: d.Unique}
	for _, f := range d.Fields {
		path, err := value.ParsePointer(f.Path)
		if err != nil {
			return nil, err
		}
		def.Fields = append(def.Fields, store.IndexField{Path: path, Type: f.Type})
	}
	return newIndex(table, def, relation), nil
}
