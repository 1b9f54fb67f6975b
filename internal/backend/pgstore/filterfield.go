package pgstore

import (
	"strings"

	"larder/internal/value"
)

// metadataAt is a text of an entry's metadata; null where there is none.
func metadataAt(name string) string {
	if strings.ContainsRune(name, 0) {
		return "null::text"
	}
	return "((e.metadata ->> " + literal(name) + `) collate "C")`
}

// timeAt is a time of an entry. Only when it expires is null, where it does not:
// an entry that does not know when it was created has the zero time.
func timeAt(field value.Field) string {
	switch field {
	case value.FieldCreatedAt:
		return "coalesce(e.created_at, '0001-01-01T00:00:00Z'::timestamptz)"
	case value.FieldUpdatedAt:
		return "e.updated_at"
	default:
		return "e.expires_at"
	}
}

// textTest tests a text that is no part of the value. It is a string where it is
// there, and so equal to nothing else.
func (t filterText) textTest(text stringColumn, op string, operand []byte) string {
	switch op {
	case value.OpExists:
		return exists(text.whole)
	case value.OpIsNull:
		return never
	case value.OpIn:
		return t.anyText(text, stringsIn(operand))
	}
	if value.KindOf(operand) != value.String {
		return never
	}
	return t.stringTest(text, op, stringOf(operand))
}

// numberTest tests the version.
func (t filterText) numberTest(number, op string, operand []byte) string {
	switch op {
	case value.OpExists:
		return exists(number)
	case value.OpIn:
		return t.anyNumber(number, numbersIn(operand))
	}
	sign, ok := order(op)
	if !ok || value.KindOf(operand) != value.Number {
		return never
	}
	return number + sign + t.arg(string(operand), "numeric")
}

func (t filterText) anyNumber(number string, operands []string) string {
	if len(operands) == 0 {
		return never
	}
	return number + " = any (" + t.array(operands, "numeric") + ")"
}

// timeTest tests a time. Those have whole microseconds; an operand between two
// of them equals none, and orders as if it came just after the earlier.
func (t filterText) timeTest(at, op string, operand []byte) string {
	switch op {
	case value.OpExists:
		return "true"
	case value.OpIsNull:
		return at + " is null"
	case value.OpIn:
		var tests []string
		for _, text := range stringsIn(operand) {
			if when, exact, ok := value.ParseTime(text); ok && exact {
				tests = append(tests, at+" = "+t.time(when))
			}
		}
		if len(tests) == 0 {
			return never
		}
		return "(" + strings.Join(tests, " or ") + ")"
	}
	if value.KindOf(operand) != value.String {
		return never
	}
	when, exact, ok := value.ParseTime(stringOf(operand))
	if !ok {
		return never
	}
	if !exact {
		switch op {
		case value.OpEq:
			return never
		case value.OpGte:
			op = value.OpGt
		case value.OpLt:
			op = value.OpLte
		}
	}
	sign, ok := order(op)
	if !ok {
		return never
	}
	return at + sign + t.time(when)
}
