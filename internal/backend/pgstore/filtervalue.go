package pgstore

import (
	"encoding/json"

	"larder/internal/store"
	"larder/internal/value"
)

// columnsByField are an index's columns that comparisons may be written with.
type columnsByField map[indexedField]indexColumn

// indexedField is a part of the value with values of one type.
type indexedField struct {
	path string
	typ  store.FieldType
}

// typeOf is the type of field that a value can be found in.
func typeOf(raw []byte) (store.FieldType, bool) {
	switch value.KindOf(raw) {
	case value.String:
		return store.StringField, true
	case value.Number:
		return store.NumberField, true
	case value.True, value.False:
		return store.BooleanField, true
	}
	return "", false
}

// valueTest tests a part of the value.
func (t filterText) valueTest(p value.Pointer, op string, operand []byte) string {
	at := jsonAt(entryValue, p)
	switch op {
	case value.OpExists:
		return exists(at)
	case value.OpIsNull:
		return "jsonb_typeof(" + at + ") = 'null'"
	case value.OpIn:
		return t.anyValue(p, elementsOf(operand))
	case value.OpContains:
		return t.containsTest(p, operand)
	}
	typ, simple := typeOf(operand)
	column, indexed := t.columns[indexedField{p.String(), typ}]
	if op == value.OpEq && (!simple || !indexed) {
		return at + " = " + t.arg(string(operand), "jsonb")
	}
	switch typ {
	case store.StringField:
		c := plainText(stringAt(entryValue, p))
		if indexed {
			c = column.text()
		}
		return t.stringTest(c, op, stringOf(operand))
	case store.NumberField:
		return orderTest(numberAt(entryValue, p), op, t.arg(string(operand), "numeric"))
	case store.BooleanField:
		return orderTest(booleanAt(entryValue, p), op, t.arg(bit(operand), "integer"))
	}
	return never
}

func orderTest(sql, op, operand string) string {
	sign, ok := order(op)
	if !ok {
		return never
	}
	return sql + sign + operand
}

// bit is a boolean as booleanAt has it.
func bit(raw []byte) string {
	if value.KindOf(raw) == value.True {
		return "1"
	}
	return "0"
}

// anyValue tests for being one of several values. Where all are of one type,
// and there is an index of it, that is used.
func (t filterText) anyValue(p value.Pointer, operands [][]byte) string {
	if len(operands) == 0 {
		return never
	}
	typ, simple := typeOf(operands[0])
	texts := make([]string, len(operands))
	for i, raw := range operands {
		texts[i] = string(raw)
		simple = simple && typ.Holds(raw)
	}
	column, indexed := t.columns[indexedField{p.String(), typ}]
	if !simple || !indexed {
		return jsonAt(entryValue, p) + " = any (" + t.array(texts, "jsonb") + ")"
	}
	switch typ {
	case store.StringField:
		for i, raw := range operands {
			texts[i] = stringOf(raw)
		}
		return t.anyText(column.text(), texts)
	case store.NumberField:
		return t.anyNumber(numberAt(entryValue, p), texts)
	default:
		for i, raw := range operands {
			texts[i] = bit(raw)
		}
		return booleanAt(entryValue, p) + " = any (" + t.array(texts, "integer") + ")"
	}
}

// containsTest finds a string within a string, or an element of an array. To @>
// an array or object within an array need only contain the operand, so those
// are compared one by one.
func (t filterText) containsTest(p value.Pointer, operand []byte) string {
	at := jsonAt(entryValue, p)
	var element string
	switch kind := value.KindOf(operand); kind {
	case value.Array, value.Object:
		element = "exists (select from jsonb_array_elements(" + at + ") x where x = " + t.arg(string(operand), "jsonb") + ")"
	default:
		element = at + " @> " + t.arg("["+string(operand)+"]", "jsonb")
	}
	within := ""
	if value.KindOf(operand) == value.String {
		within = " when 'string' then strpos(" + textAt(entryValue, p) + ", " + t.text(stringOf(operand)) + ") > 0"
	}
	return "(case jsonb_typeof(" + at + ") when 'array' then " + element + within + " end)"
}

// stringOf reads a canonical text that is a string.
func stringOf(raw []byte) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "" // canonical text is JSON
	}
	return s
}

// elementsOf takes an array's canonical text apart.
func elementsOf(array []byte) [][]byte {
	var raw []json.RawMessage
	if err := json.Unmarshal(array, &raw); err != nil {
		return nil // canonical text is JSON, and compiling has seen that it is an array
	}
	elements := make([][]byte, len(raw))
	for i := range raw {
		elements[i] = raw[i]
	}
	return elements
}

func stringsIn(array []byte) []string {
	var all []string
	for _, raw := range elementsOf(array) {
		if value.KindOf(raw) == value.String {
			all = append(all, stringOf(raw))
		}
	}
	return all
}

func numbersIn(array []byte) []string {
	var all []string
	for _, raw := range elementsOf(array) {
		if value.KindOf(raw) == value.Number {
			all = append(all, string(raw))
		}
	}
	return all
}
