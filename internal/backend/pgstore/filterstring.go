package pgstore

import (
	"unicode/utf8"

	"larder/internal/value"
)

// stringColumn is a string as SQL reaches it; null where there is no string.
type stringColumn struct {
	whole string // the expression of all of it
	// begin is the expression of its first cut characters, which is what an
	// index holds; "" where no index is meant.
	begin string
	cut   int
}

func plainText(whole string) stringColumn { return stringColumn{whole: whole} }

// stringTest tests a string. What an index holds is enough to decide where the
// operand is shorter than that: two strings differ, if at all, within the
// shorter of them or at its end. Else the index narrows, and the whole decides.
func (t filterText) stringTest(c stringColumn, op, operand string) string {
	switch op {
	case value.OpLike:
		return c.whole + " like " + t.text(operand)
	case value.OpContains:
		return "strpos(" + c.whole + ", " + t.text(operand) + ") > 0"
	case value.OpPrefix:
		return t.prefixTest(c, operand)
	}
	sign, ok := order(op)
	switch {
	case !ok:
		return never
	case c.begin == "":
		return c.whole + sign + t.text(operand)
	}
	begin := firstRunes(operand, c.cut)
	if utf8.RuneCountInString(operand) < c.cut {
		return c.begin + sign + t.text(begin)
	}
	wide := sign
	switch op {
	case value.OpGt:
		wide = " >= "
	case value.OpLt:
		wide = " <= "
	}
	return "(" + c.begin + wide + t.text(begin) + " and " + c.whole + sign + t.text(operand) + ")"
}

// prefixTest says it as a range, which an index knows to answer.
func (t filterText) prefixTest(c stringColumn, prefix string) string {
	if c.begin == "" {
		return "starts_with(" + c.whole + ", " + t.text(prefix) + ")"
	}
	begin := firstRunes(prefix, c.cut)
	test := c.begin + " >= " + t.text(begin)
	if end := runesEnd(begin); end != "" {
		test += " and " + c.begin + " < " + t.text(end)
	}
	if begin != prefix {
		test += " and starts_with(" + c.whole + ", " + t.text(prefix) + ")"
	}
	return "(" + test + ")"
}

// anyText tests for being one of several strings.
func (t filterText) anyText(c stringColumn, operands []string) string {
	switch {
	case len(operands) == 0:
		return never
	case c.begin == "":
		return c.whole + " = any (" + t.array(operands, "text") + ")"
	}
	begins, exact := make([]string, len(operands)), true
	for i, s := range operands {
		begins[i] = firstRunes(s, c.cut)
		exact = exact && utf8.RuneCountInString(s) < c.cut
	}
	test := c.begin + " = any (" + t.array(begins, "text") + ")"
	if exact {
		return test
	}
	return "(" + test + " and " + c.whole + " = any (" + t.array(operands, "text") + "))"
}

// firstRunes gives the first n characters, as left() does.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// runesEnd is the first string, in the order of UTF-8's bytes, after all that
// begin with prefix; "" where there is none. Unlike store.PrefixEnd's it is
// UTF-8 itself, as PostgreSQL's strings have to be.
func runesEnd(prefix string) string {
	for prefix != "" {
		r, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch {
		case r == 0xd7ff:
			return prefix + "\ue000" // surrogates are no characters
		case r < utf8.MaxRune:
			return prefix + string(r+1)
		}
	}
	return ""
}
