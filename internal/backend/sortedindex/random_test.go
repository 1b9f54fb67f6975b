package sortedindex

import (
	"cmp"
	"strings"

	"pgregory.net/rapid"

	"larder/internal/store"
	"larder/internal/value"
)

// operands are values of all kinds, few enough to meet often. The long strings
// lie about where forms are cut.
var operands = []string{
	"null", "false", "true", "-10", "-1", "-0.5", "0", "0.25", "1", "2", "9007199254740993",
	`""`, `"a"`, `"ab"`, `"abc"`, `"b"`, `"ÿ"`, "[]", "[1]", `{"x":1}`,
}

var longOperands = []string{
	long(cutBytes - 2), long(cutBytes - 1), long(cutBytes), long(maxFieldBytes - 2), long(maxFieldBytes - 1), long(2 * maxFieldBytes),
}

// long is a string of n characters; its form has two bytes more.
func long(n int) string { return `"` + strings.Repeat("x", n) + `"` }

func operand(long bool) *rapid.Generator[string] {
	if long {
		return rapid.SampledFrom(append(longOperands, operands...))
	}
	return rapid.SampledFrom(operands)
}

// keys are few characters of those that stand at the ends of what a key may
// have, so that one often begins another.
func keys() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{" ", "!", "a", "~", "é", "\u00a0", "\U0010ffff"}), 1, 4).Draw(t, "key"), "")
	})
}

// place is an entry's in an index of which no field is cut.
type place struct {
	raw []string // a missing field is empty
	key string
}

func places(fields int) *rapid.Generator[place] {
	return rapid.Custom(func(t *rapid.T) place {
		raw := rapid.SliceOfN(rapid.SampledFrom(append([]string{""}, operands...)), fields, fields).Draw(t, "fields")
		return place{raw, keys().Draw(t, "key")}
	})
}

func (p place) fields() (fields []byte) {
	for _, raw := range p.raw {
		fields, _ = appendField(fields, []byte(raw))
	}
	return fields
}

func (p place) plain() []byte  { return append(p.fields(), p.key...) }
func (p place) member() []byte { return Join(p.fields(), p.key) }

// compare is the order that an index has to have.
func (p place) compare(o place) int {
	for i := range p.raw {
		if order := value.Compare([]byte(p.raw[i]), []byte(o.raw[i])); order != 0 {
			return order
		}
	}
	return cmp.Compare(p.key, o.key)
}

func field(name string, of store.FieldType) store.IndexField {
	return store.IndexField{Path: value.Pointer{name}, Type: of}
}

func index(name string, fields ...store.IndexField) *Index {
	return &Index{Table: "t", Def: store.Index{Name: name, Fields: fields}}
}

func is(path, op, operand string) value.Filter {
	return value.Filter{Path: path, Op: op, Value: []byte(operand)}
}

func and(all ...value.Filter) value.Filter { return value.Filter{And: all} }
