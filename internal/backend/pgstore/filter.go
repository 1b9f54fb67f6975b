package pgstore

import (
	"strings"

	"larder/internal/value"
)

// filterText translates a filter into a condition. The filter has been compiled,
// so nothing in it is wrong.
//
// In SQL a comparison with null is neither true nor false; a filter's is false.
// So negations are moved inwards, to where "is not true" makes them exact. AND
// and OR stay as they are, since what is neither true nor false selects nothing.
type filterText struct {
	*queryText
	columns columnsByField
}

// condition gives the SQL of a filter, or of its negation.
func (t filterText) condition(f value.Filter, negated bool) string {
	switch {
	case f.IsZero():
		return "true"
	case f.And != nil:
		return t.join(f.And, negated, " and ", " or ")
	case f.Or != nil:
		return t.join(f.Or, negated, " or ", " and ")
	case f.Not != nil:
		return t.condition(*f.Not, !negated)
	}
	op, opposite := positive(f)
	test := t.comparison(f.Path, op, f.Value)
	if negated != opposite {
		return "(" + test + ") is not true"
	}
	return test
}

func (t filterText) join(parts []value.Filter, negated bool, word, negatedWord string) string {
	if negated {
		word = negatedWord
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = t.condition(part, negated)
	}
	return "(" + strings.Join(texts, word) + ")"
}

// positive gives the operator that a filter's is, or is the negation of.
func positive(f value.Filter) (op string, opposite bool) {
	switch f.Op {
	case value.OpNe:
		return value.OpEq, true
	case value.OpNin:
		return value.OpIn, true
	case value.OpNotLike:
		return value.OpLike, true
	case value.OpIsNotNull:
		return value.OpIsNull, true
	case value.OpExists:
		return value.OpExists, value.KindOf(f.Value) == value.False
	}
	return f.Op, false
}

// comparison gives a test that is true where the operator's is, and false or
// null elsewhere.
func (t filterText) comparison(text, op string, operand []byte) string {
	path, err := value.ParseFieldPath(text)
	if err != nil {
		return never // compiling has refused it
	}
	switch path.Field {
	case value.FieldKey:
		return t.textTest(plainText("e.key"), op, operand)
	case value.FieldMetadata:
		return t.textTest(plainText(metadataAt(path.Name)), op, operand)
	case value.FieldVersion:
		return t.numberTest("e.version", op, operand)
	case value.FieldCreatedAt, value.FieldUpdatedAt, value.FieldExpiresAt:
		return t.timeTest(timeAt(path.Field), op, operand)
	default:
		return t.valueTest(path.Pointer, op, operand)
	}
}

// never is a test that nothing passes.
const never = "false"

// order gives PostgreSQL's sign of an operator, where it is one of order or
// equality.
func order(op string) (sign string, ok bool) {
	switch op {
	case value.OpEq:
		return " = ", true
	case value.OpGt:
		return " > ", true
	case value.OpGte:
		return " >= ", true
	case value.OpLt:
		return " < ", true
	case value.OpLte:
		return " <= ", true
	}
	return "", false
}

// exists is the test that a field has a value. A null of SQL is a missing one.
func exists(sql string) string { return sql + " is not null" }
