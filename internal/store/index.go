package store

import (
	"slices"

	"larder/internal/value"
)

// Index is a secondary index of a table. An entry is in it when its value has
// a value of the declared type at the first field; the other fields may hold
// anything, or be missing.
//
// A unique index lets no two entries agree in all fields, where all hold a
// value of their declared types. A write that would fails with
// UniqueViolation.
type Index struct {
	Name   string
	Fields []IndexField // 1 to 8
	Unique bool

	Ready   bool  // false while it is being built; only a ready one answers queries
	Entries int64 // in it now
}

// IndexField is one field of an index.
type IndexField struct {
	Path value.Pointer
	Type FieldType
}

// FieldType is the type of values that an index takes at a field.
type FieldType string

// The types.
const (
	StringField  FieldType = "string"
	NumberField  FieldType = "number"
	BooleanField FieldType = "boolean"
)

// Holds says whether a value, as canonical text, is of the type.
func (t FieldType) Holds(raw []byte) bool {
	switch value.KindOf(raw) {
	case value.String:
		return t == StringField
	case value.Number:
		return t == NumberField
	case value.True, value.False:
		return t == BooleanField
	}
	return false
}

// MaxIndexFields bounds an index, MaxIndexes those of a table.
const (
	MaxIndexFields = 8
	MaxIndexes     = 32
)

// Validate checks a definition; errors are InvalidTable and InvalidIndex.
func (x Index) Validate(table string) error {
	if err := ValidateTable(table); err != nil {
		return err
	}
	if ValidateTable(x.Name) != nil || IsSystem(x.Name) {
		return invalid(InvalidIndex, "index", "an index is named like a table: a letter or digit, then up to 127 of A-Z, a-z, 0-9, '_', '.', '-'")
	}
	if len(x.Fields) == 0 || len(x.Fields) > MaxIndexFields {
		return invalid(InvalidIndex, "fields", "an index has 1 to %d fields", MaxIndexFields)
	}
	for i, f := range x.Fields {
		if len(f.Path) == 0 {
			return invalid(InvalidIndex, "fields", "field %d: a path is a JSON pointer to a part of the value, such as /email", i)
		}
		if f.Type != StringField && f.Type != NumberField && f.Type != BooleanField {
			return invalid(InvalidIndex, "fields", "field %d: a type is string, number or boolean", i)
		}
	}
	return nil
}

// SameDefinition says whether two indexes index the same.
func (x Index) SameDefinition(o Index) bool {
	return x.Name == o.Name && x.Unique == o.Unique &&
		slices.EqualFunc(x.Fields, o.Fields, func(a, b IndexField) bool {
			return a.Type == b.Type && slices.Equal(a.Path, b.Path)
		})
}
