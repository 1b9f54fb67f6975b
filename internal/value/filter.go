package value

import "fmt"

// Filter is one node of a condition on an entry, in the contract's flat form. Exactly
// one of And, Or, Not and Op is set; Path "" is the whole value. The zero Filter is no
// condition at all, and everything satisfies it; it stands alone, never within another.
//
//	{"and": [{"path": "/age", "op": "gte", "value": 18}, {"not": {"path": "/tier", "op": "exists"}}]}
type Filter struct {
	And, Or []Filter
	Not     *Filter
	Path    string
	Op      string
	Value   []byte // canonical text; nil: none was given, which is not null
}

// IsZero says whether f is no condition.
func (f Filter) IsZero() bool {
	return f.And == nil && f.Or == nil && f.Not == nil && f.Path == "" && f.Op == "" && f.Value == nil
}

// FilterError says where a filter is wrong, and what would be right.
type FilterError struct {
	Pointer string // RFC 6901, into the filter as JSON
	Detail  string
}

func (e *FilterError) Error() string {
	if e.Pointer == "" {
		return "filter: " + e.Detail
	}
	return fmt.Sprintf("filter: at %s: %s", e.Pointer, e.Detail)
}

// The operators. A comparison of two kinds of values is false, not an error. Of
// Ne, Nin, NotLike and IsNotNull each is the exact negation of its positive one, so
// that a missing field, which is neither null nor equal to anything, satisfies it.
const (
	OpEq        = "eq"
	OpNe        = "ne"
	OpGt        = "gt" // this and the next three: with a number, a string or a boolean
	OpGte       = "gte"
	OpLt        = "lt"
	OpLte       = "lte"
	OpIn        = "in" // one of an array
	OpNin       = "nin"
	OpLike      = "like" // a whole string: % is anything, _ one character, \ takes the next as it is
	OpNotLike   = "not_like"
	OpIsNull    = "is_null" // no value, as the next
	OpIsNotNull = "is_not_null"
	OpExists    = "exists"   // true or nothing: there is one; false: there is none
	OpPrefix    = "prefix"   // a string begins so
	OpContains  = "contains" // a string within a string, or an element of an array
)

var operators = []string{
	OpEq, OpNe, OpGt, OpGte, OpLt, OpLte, OpIn, OpNin, OpLike, OpNotLike,
	OpIsNull, OpIsNotNull, OpExists, OpPrefix, OpContains,
}

// Bounds of a filter.
const (
	MaxFilterDepth = 32    // nodes within each other
	MaxFilterNodes = 256   // altogether
	MaxIn          = 1_000 // elements of in and nin
	MaxLike        = 1_024 // bytes of a pattern
)
