package store_test

import (
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

func TestFieldTypeHolds(t *testing.T) {
	for text, want := range map[string]store.FieldType{
		`""`: store.StringField, `"1"`: store.StringField, `1`: store.NumberField, `-0.5`: store.NumberField, `true`: store.BooleanField, `false`: store.BooleanField,
		`null`: "", `[]`: "", `{}`: "", ``: "",
	} {
		for _, kind := range []store.FieldType{store.StringField, store.NumberField, store.BooleanField, "date"} {
			if kind.Holds([]byte(text)) != (kind == want) {
				t.Errorf("%s holds %s: %v", kind, text, kind != want)
			}
		}
	}
}

func TestIndexValidate(t *testing.T) {
	field := store.IndexField{Path: value.Pointer{"a"}, Type: store.StringField}
	fields := func(n int) []store.IndexField {
		list := make([]store.IndexField, n)
		for i := range list {
			list[i] = field
		}
		return list
	}
	for _, test := range []struct {
		name  string
		table string
		def   store.Index
		code  store.Code
		field string
	}{
		{"one field", "t", store.Index{Name: "by_a", Fields: fields(1)}, "", ""},
		{"as many as can be", "t", store.Index{Name: "by-a.2", Fields: fields(8), Unique: true}, "", ""},
		{"a bad table", "a/b", store.Index{Name: "by_a", Fields: fields(1)}, store.InvalidTable, "table"},
		{"no name", "t", store.Index{Fields: fields(1)}, store.InvalidIndex, "index"},
		{"a bad name", "t", store.Index{Name: "a b", Fields: fields(1)}, store.InvalidIndex, "index"},
		{"a name of the system's", "t", store.Index{Name: "_a", Fields: fields(1)}, store.InvalidIndex, "index"},
		{"no fields", "t", store.Index{Name: "a"}, store.InvalidIndex, "fields"},
		{"too many", "t", store.Index{Name: "a", Fields: fields(9)}, store.InvalidIndex, "fields"},
		{"the whole value", "t", store.Index{Name: "a", Fields: []store.IndexField{{Type: store.StringField}}}, store.InvalidIndex, "fields"},
		{"no type", "t", store.Index{Name: "a", Fields: []store.IndexField{field, {Path: value.Pointer{"b"}}}}, store.InvalidIndex, "fields"},
	} {
		err := test.def.Validate(test.table)
		got := ""
		if e := store.AsError(err); e != nil {
			got = e.Field
		}
		if store.CodeOf(err) != test.code || got != test.field {
			t.Errorf("%s: got %v in %q, want %q in %q", test.name, err, got, test.code, test.field)
		}
	}
}

func TestIndexSameDefinition(t *testing.T) {
	def := store.Index{Name: "a", Fields: []store.IndexField{{Path: value.Pointer{"a", "b"}, Type: store.StringField}}, Ready: true, Entries: 7}
	same := def
	same.Ready, same.Entries = false, 0
	if !def.SameDefinition(same) {
		t.Error("what an index holds is no part of its definition")
	}
	for name, change := range map[string]func(o *store.Index){
		"name":   func(o *store.Index) { o.Name = "b" },
		"unique": func(o *store.Index) { o.Unique = true },
		"path": func(o *store.Index) {
			o.Fields = []store.IndexField{{Path: value.Pointer{"a"}, Type: store.StringField}}
		},
		"type": func(o *store.Index) {
			o.Fields = []store.IndexField{{Path: value.Pointer{"a", "b"}, Type: store.NumberField}}
		},
		"number": func(o *store.Index) { o.Fields = nil },
	} {
		other := def
		change(&other)
		if def.SameDefinition(other) {
			t.Errorf("%s: the same all the same", name)
		}
	}
}
