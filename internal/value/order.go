package value

import "cmp"

// Kind is what a value is. Kinds are in the order in which Compare sorts them.
type Kind uint8

// The kinds. Booleans are two, so that a kind says all of a value that has no content.
const (
	Missing Kind = iota
	Null
	False
	True
	Number
	String
	Array
	Object
)

// String names the kind in lower case.
func (k Kind) String() string {
	return [...]string{"missing", "null", "false", "true", "number", "string", "array", "object"}[k]
}

// KindOf tells the kind of a canonical text. Nothing at all is Missing.
func KindOf(raw []byte) Kind {
	if len(raw) == 0 {
		return Missing
	}
	return kindOf(raw[0])
}

// kindOf tells the kind by the first byte.
func kindOf(c byte) Kind {
	switch c {
	case 'n':
		return Null
	case 'f':
		return False
	case 't':
		return True
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	default:
		return Number
	}
}

// Compare orders canonical texts in one total order: missing, null, false, true,
// numbers exactly by value, strings by the bytes they stand for, arrays element by
// element and then by length, objects member by member in the order of their names
// (name, then value) and then by their number of members. It is negative, 0 or
// positive.
func Compare(a, b []byte) int {
	if len(a) == 0 || len(b) == 0 {
		return int(KindOf(a)) - int(KindOf(b))
	}
	c, _ := compareAt(a, b, 0)
	return c
}

// compareAt compares the values that begin at offset i of both texts, and gives where
// they end if they are equal. One offset does for both: texts that have been equal so
// far are the same bytes.
func compareAt(a, b []byte, i int) (c, end int) {
	kind := kindOf(a[i])
	if other := kindOf(b[i]); kind != other {
		return int(kind) - int(other), 0
	}
	switch kind {
	case Number:
		endA, endB := endOfScalar(a, i), endOfScalar(b, i)
		return compareNumbers(a[i:endA], b[i:endB]), endA
	case String:
		endA, endB := endOfString(a, i), endOfString(b, i)
		return compareEscaped(a[i+1:endA-1], b[i+1:endB-1]), endA
	case Array:
		return compareElements(a, b, i+1)
	case Object:
		return compareMembers(a, b, i+1)
	default:
		return 0, endOfScalar(a, i)
	}
}

func compareElements(a, b []byte, i int) (c, end int) {
	for a[i] != ']' && b[i] != ']' {
		if c, i = compareAt(a, b, i); c != 0 {
			return c, 0
		}
		if a[i] != b[i] {
			break
		}
		i = next(a, i)
	}
	return compareEnds(a[i], b[i], ']'), i + 1
}

func compareMembers(a, b []byte, i int) (c, end int) {
	for a[i] != '}' && b[i] != '}' {
		nameA, at := nameAt(a, i)
		nameB, _ := nameAt(b, i)
		if c := compareEscaped(nameA, nameB); c != 0 {
			return c, 0
		}
		if c, i = compareAt(a, b, at); c != 0 {
			return c, 0
		}
		if a[i] != b[i] {
			break
		}
		i = next(a, i)
	}
	return compareEnds(a[i], b[i], '}'), i + 1
}

// compareEnds decides between two arrays or objects that are equal as far as the
// shorter goes.
func compareEnds(a, b, bracket byte) int {
	switch {
	case a == b:
		return 0
	case a == bracket:
		return -1
	default:
		return 1
	}
}

func compareNumbers(a, b []byte) int {
	if x, ok := smallInteger(a); ok {
		if y, ok := smallInteger(b); ok {
			return cmp.Compare(x, y)
		}
	}
	return parseDecimal(a).compare(parseDecimal(b))
}
