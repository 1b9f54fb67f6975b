package value

import "bytes"

// Doc is what a filter is held against: an entry's fields as canonical text. False,
// with nil, is a missing field. Opaque bytes have no field of kind FieldValue.
type Doc interface {
	Field(path FieldPath) ([]byte, bool)
}

// Matcher is a compiled filter. The zero Matcher matches everything. It is safe for
// concurrent use.
type Matcher struct{ root condition }

// Match says whether d satisfies the filter.
func (m Matcher) Match(d Doc) bool { return m.root == nil || m.root.match(d) }

type condition interface{ match(d Doc) bool }

type (
	conjunction []condition
	disjunction []condition
	negation    struct{ condition condition }
	comparison  struct {
		path  FieldPath
		holds test
	}
)

func (c conjunction) match(d Doc) bool {
	for _, each := range c {
		if !each.match(d) {
			return false
		}
	}
	return true
}

func (c disjunction) match(d Doc) bool {
	for _, each := range c {
		if each.match(d) {
			return true
		}
	}
	return false
}

func (c negation) match(d Doc) bool { return !c.condition.match(d) }

func (c comparison) match(d Doc) bool {
	raw, found := d.Field(c.path)
	if !found {
		raw = nil
	}
	return c.holds(raw)
}

// test is an operator with its value, held against a field's canonical text, which is
// nil for a missing field.
type test func(raw []byte) bool

// unless negates the test on a condition.
func (t test) unless(negative bool) test {
	if !negative {
		return t
	}
	return func(raw []byte) bool { return !t(raw) }
}

var (
	isNull test = func(raw []byte) bool { return KindOf(raw) == Null }
	exists test = func(raw []byte) bool { return KindOf(raw) != Missing }
)

func equal(val []byte) test {
	return func(raw []byte) bool { return bytes.Equal(raw, val) }
}

func ordered(op string, val []byte) test {
	kind := orderedKind(val)
	compare := func(raw []byte) (c int, ok bool) {
		if orderedKind(raw) != kind {
			return 0, false
		}
		return Compare(raw, val), true
	}
	switch op {
	case OpGt:
		return func(raw []byte) bool { c, ok := compare(raw); return ok && c > 0 }
	case OpGte:
		return func(raw []byte) bool { c, ok := compare(raw); return ok && c >= 0 }
	case OpLt:
		return func(raw []byte) bool { c, ok := compare(raw); return ok && c < 0 }
	default:
		return func(raw []byte) bool { c, ok := compare(raw); return ok && c <= 0 }
	}
}

// orderedKind is KindOf with one kind for both booleans.
func orderedKind(raw []byte) Kind {
	if kind := KindOf(raw); kind != False {
		return kind
	}
	return True
}

func hasPrefix(val []byte) test {
	prefix := unescaped(val[1 : len(val)-1])
	return func(raw []byte) bool {
		return KindOf(raw) == String && bytes.HasPrefix(unescaped(raw[1:len(raw)-1]), prefix)
	}
}

func contains(val []byte) test {
	within := func([]byte) bool { return false }
	if KindOf(val) == String {
		part := unescaped(val[1 : len(val)-1])
		within = func(raw []byte) bool { return bytes.Contains(unescaped(raw[1:len(raw)-1]), part) }
	}
	return func(raw []byte) bool {
		switch KindOf(raw) {
		case String:
			return within(raw)
		case Array:
			return hasElement(raw, val)
		default:
			return false
		}
	}
}

func hasElement(raw, val []byte) bool {
	for i := 1; raw[i] != ']'; {
		end := endOf(raw, i)
		if bytes.Equal(raw[i:end], val) {
			return true
		}
		i = next(raw, end)
	}
	return false
}
