package value

import (
	"errors"
	"slices"
	"strings"
)

// ParseFilter reads a filter in JSON, strictly: unknown members and wrong types are
// refused. What the operators demand of their values is left to Compile. Errors are
// *FilterError and *TooLargeError.
func ParseFilter(data []byte, lim Limits) (Filter, error) {
	v, err := Parse(data, lim)
	if err != nil {
		if syntax, ok := errors.AsType[*SyntaxError](err); ok {
			return Filter{}, &FilterError{syntax.Pointer, syntax.Detail}
		}
		return Filter{}, err
	}
	return parseFilter(v.Data, nil)
}

func parseFilter(raw []byte, at Pointer) (f Filter, err error) {
	if KindOf(raw) != Object {
		return f, filterError(at, "a filter is an object")
	}
	hasPath, hasOp := false, false
	for i := 1; raw[i] != '}'; {
		text, start := nameAt(raw, i)
		end := endOf(raw, start)
		name, val := unescapeString(text), raw[start:end:end]
		here := at.child(name)
		switch name {
		case "and":
			f.And, err = parseFilters(val, here)
		case "or":
			f.Or, err = parseFilters(val, here)
		case "not":
			var inner Filter
			inner, err = parseFilter(val, here)
			f.Not = &inner
		case "path":
			hasPath = true
			f.Path, err = filterString(val, here)
		case "op":
			hasOp = true
			f.Op, err = filterString(val, here)
		case "value":
			f.Value = val
		default:
			err = filterError(here, "a filter has and, or, not, or path with op and value, and nothing else")
		}
		if err != nil {
			return Filter{}, err
		}
		i = next(raw, end)
	}
	if hasPath != hasOp || f.Value != nil && !hasOp {
		return Filter{}, filterError(at, "path and op go together")
	}
	if f.forms() != 1 {
		return Filter{}, filterError(at, oneForm)
	}
	return f, nil
}

const oneForm = "a filter has exactly one of and, or, not, and path with op"

// forms counts the forms of a filter that f has.
func (f Filter) forms() int {
	n := 0
	for _, has := range []bool{f.And != nil, f.Or != nil, f.Not != nil, f.Path != "" || f.Op != "" || f.Value != nil} {
		if has {
			n++
		}
	}
	return n
}

func parseFilters(raw []byte, at Pointer) ([]Filter, error) {
	if KindOf(raw) != Array || len(raw) == len("[]") {
		return nil, filterError(at, "and and or take an array of at least one filter")
	}
	var filters []Filter
	for i := 1; raw[i] != ']'; {
		end := endOf(raw, i)
		f, err := parseFilter(raw[i:end], at.child(itoa(len(filters))))
		if err != nil {
			return nil, err
		}
		filters = append(filters, f)
		i = next(raw, end)
	}
	return filters, nil
}

func filterString(raw []byte, at Pointer) (string, error) {
	if KindOf(raw) != String {
		return "", filterError(at, "a string is expected")
	}
	return unescapeString(raw[1 : len(raw)-1]), nil
}

func filterError(at Pointer, detail string) *FilterError {
	text := at.String()
	if len(text) > maxPointer {
		text = at[:len(at)-1].String()
	}
	return &FilterError{text, detail}
}

// ParseShort reads the short form path:op:value, as in /age:gte:18 or
// /nickname:is_null. The operator is the first that stands between colons, so that
// the value may hold some. The value is JSON if it parses as JSON, else a string; and
// where only a string can be meant (for like, not_like and prefix, and against $key,
// the times and metadata) it is one in any case: /zip:prefix:10 needs no quotes.
// Errors are *FilterError.
func ParseShort(s string) (Filter, error) {
	path, op, text, hasText := cutShort(s)
	if op == "" {
		return Filter{}, &FilterError{"", "the short form is path:op:value with op one of " + strings.Join(operators, " ")}
	}
	field, detail := parseFieldPath(path)
	if detail != "" {
		return Filter{}, &FilterError{"", detail}
	}
	f := Filter{Path: path, Op: op}
	if !hasText {
		if op != OpIsNull && op != OpIsNotNull && op != OpExists {
			return Filter{}, &FilterError{"", op + " takes a value: path:" + op + ":value"}
		}
		return f, nil
	}
	stringOnly := op == OpLike || op == OpNotLike || op == OpPrefix || field.isText()
	v, err := Parse([]byte(text), Limits{})
	switch kind := KindOf(v.Data); {
	case err != nil, stringOnly && kind != String && !takesOther(op):
		f.Value = AppendString(nil, text)
	default:
		f.Value = v.Data
	}
	return f, nil
}

// takesOther says whether the operator's value is no string, whatever the field.
func takesOther(op string) bool {
	return op == OpIn || op == OpNin || op == OpExists || op == OpIsNull || op == OpIsNotNull
}

func cutShort(s string) (path, op, text string, hasText bool) {
	for i := range len(s) {
		if s[i] != ':' {
			continue
		}
		word, rest, more := strings.Cut(s[i+1:], ":")
		if slices.Contains(operators, word) {
			return s[:i], word, rest, more
		}
	}
	return "", "", "", false
}
