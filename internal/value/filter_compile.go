package value

import (
	"bytes"
	"slices"
	"strings"
)

// Compile checks a filter, its nesting, paths, operators and values, and makes it
// ready to match. It is at most MaxFilterDepth deep and MaxFilterNodes large. Errors
// are *FilterError.
func Compile(f Filter) (Matcher, error) {
	if f.IsZero() {
		return Matcher{}, nil
	}
	c := compiler{}
	root, err := c.filter(f, nil)
	if err != nil {
		return Matcher{}, err
	}
	return Matcher{root}, nil
}

type compiler struct{ nodes, depth int }

func (c *compiler) filter(f Filter, at Pointer) (condition, error) {
	c.nodes++
	c.depth++
	defer func() { c.depth-- }()
	switch {
	case c.nodes > MaxFilterNodes:
		return nil, filterError(at, "a filter has at most "+itoa(MaxFilterNodes)+" nodes")
	case c.depth > MaxFilterDepth:
		return nil, filterError(at, "a filter is at most "+itoa(MaxFilterDepth)+" deep")
	case f.forms() != 1:
		return nil, filterError(at, oneForm)
	case f.And != nil:
		all, err := c.filters(f.And, append(at, "and"))
		return conjunction(all), err
	case f.Or != nil:
		some, err := c.filters(f.Or, append(at, "or"))
		return disjunction(some), err
	case f.Not != nil:
		inner, err := c.filter(*f.Not, append(at, "not"))
		return negation{inner}, err
	default:
		return compileComparison(f, at)
	}
}

func (c *compiler) filters(list []Filter, at Pointer) ([]condition, error) {
	if len(list) == 0 {
		return nil, filterError(at, "and and or take at least one filter")
	}
	conditions := make([]condition, len(list))
	for i, f := range list {
		var err error
		if conditions[i], err = c.filter(f, append(at, itoa(i))); err != nil {
			return nil, err
		}
	}
	return conditions, nil
}

func compileComparison(f Filter, at Pointer) (condition, error) {
	path, detail := parseFieldPath(f.Path)
	if detail != "" {
		return nil, filterError(append(at, "path"), detail)
	}
	if !slices.Contains(operators, f.Op) {
		return nil, filterError(append(at, "op"), "op is one of "+strings.Join(operators, " "))
	}
	var (
		holds test
		fault *operandFault
	)
	if path.IsTime() {
		holds, fault = timeTest(f.Op, f.Value)
	} else {
		holds, fault = newTest(f.Op, f.Value)
	}
	if fault != nil {
		return nil, filterError(append(append(at, "value"), fault.at...), fault.detail)
	}
	return comparison{path, holds}, nil
}

// operandFault says what is wrong with a value.
type operandFault struct {
	at     Pointer // within the value
	detail string
}

// newTest makes the test of an operator with its value.
func newTest(op string, val []byte) (test, *operandFault) {
	kind := KindOf(val)
	switch op {
	case OpIsNull, OpIsNotNull:
		if kind != Missing {
			return nil, &operandFault{detail: op + " takes no value"}
		}
		return isNull.unless(op == OpIsNotNull), nil
	case OpExists:
		if kind != Missing && kind != True && kind != False {
			return nil, &operandFault{detail: "exists takes true, false or no value"}
		}
		return exists.unless(kind == False), nil
	}
	if kind == Missing {
		return nil, &operandFault{detail: op + " takes a value"}
	}
	switch op {
	case OpEq, OpNe:
		return equal(val).unless(op == OpNe), nil
	case OpGt, OpGte, OpLt, OpLte:
		if kind != Number && kind != String && kind != True && kind != False {
			return nil, &operandFault{detail: op + " takes a number, a string or a boolean"}
		}
		return ordered(op, val), nil
	case OpIn, OpNin:
		list, fault := elements(op, val)
		return oneOf(list).unless(op == OpNin), fault
	case OpLike, OpNotLike:
		return likeTest(op, val)
	case OpPrefix:
		if kind != String {
			return nil, &operandFault{detail: "prefix takes a string"}
		}
		return hasPrefix(val), nil
	default: // contains
		return contains(val), nil
	}
}

// elements reads the array that in and nin take.
func elements(op string, val []byte) ([][]byte, *operandFault) {
	if KindOf(val) != Array {
		return nil, &operandFault{detail: op + " takes an array"}
	}
	var list [][]byte
	for i := 1; val[i] != ']'; {
		if len(list) == MaxIn {
			return nil, &operandFault{detail: op + " takes an array of at most " + itoa(MaxIn)}
		}
		end := endOf(val, i)
		list = append(list, val[i:end])
		i = next(val, end)
	}
	return list, nil
}

func likeTest(op string, val []byte) (test, *operandFault) {
	if KindOf(val) != String {
		return nil, &operandFault{detail: op + " takes a string"}
	}
	p, detail := parseLike(unescapeString(val[1 : len(val)-1]))
	if detail != "" {
		return nil, &operandFault{detail: detail}
	}
	return p.test().unless(op == OpNotLike), nil
}

// timeTest makes the test of an operator against a time of the entry. Those have
// whole microseconds; a value between two of them equals none, and orders as if it
// came just after the earlier.
func timeTest(op string, val []byte) (test, *operandFault) {
	switch op {
	case OpIsNull, OpIsNotNull, OpExists:
		return newTest(op, val)
	case OpEq, OpNe, OpGt, OpGte, OpLt, OpLte:
		at, exact, fault := timeOperand(val)
		if fault != nil {
			return nil, fault
		}
		if !exact {
			switch op {
			case OpEq, OpNe:
				return oneOf(nil).unless(op == OpNe), nil
			case OpGte:
				op = OpGt
			case OpLt:
				op = OpLte
			}
		}
		return newTest(op, at)
	case OpIn, OpNin:
		list, fault := elements(op, val)
		if fault != nil {
			return nil, fault
		}
		var times [][]byte
		for i, raw := range list {
			at, exact, fault := timeOperand(raw)
			if fault != nil {
				fault.at = Pointer{itoa(i)}
				return nil, fault
			}
			if exact {
				times = append(times, at)
			}
		}
		return oneOf(times).unless(op == OpNin), nil
	default:
		return nil, &operandFault{detail: "a time takes eq ne gt gte lt lte in nin is_null is_not_null exists, not " + op}
	}
}

func timeOperand(raw []byte) (at []byte, exact bool, _ *operandFault) {
	if KindOf(raw) == String {
		if at, exact, ok := parseTime(unescapeString(raw[1 : len(raw)-1])); ok {
			return at, exact, nil
		}
	}
	return nil, false, &operandFault{detail: "a time in RFC 3339 is expected, as in " + `"2006-01-02T15:04:05Z"`}
}

// oneOf tests for equality with one of a list, which it sorts.
func oneOf(list [][]byte) test {
	slices.SortFunc(list, bytes.Compare)
	return func(raw []byte) bool {
		_, found := slices.BinarySearchFunc(list, raw, bytes.Compare)
		return found
	}
}
