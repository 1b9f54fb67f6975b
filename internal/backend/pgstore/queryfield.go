package pgstore

import (
	"slices"
	"strconv"
	"strings"

	"larder/internal/value"
)

// entryValue is how a statement names the value of an entry.
const entryValue = "e.value"

// jsonAt is the part of a jsonb column that a pointer leads to; null where there
// is none.
//
// #> follows names and indexes alike, but takes more for an index than a pointer
// does: -1, 01, +1. Such tokens are names only, which -> sees to: with text it
// goes into objects alone.
func jsonAt(column string, p value.Pointer) string {
	if leadsNowhere(p) {
		return "null::jsonb"
	}
	return follow(column, p, "#>", "->")
}

// textAt is the same part as text: of a string, the string itself.
func textAt(column string, p value.Pointer) string {
	switch {
	case leadsNowhere(p):
		return "null::text"
	case len(p) == 0:
		return "(" + column + " #>> array[]::text[])"
	}
	return follow(column, p, "#>>", "->>")
}

// leadsNowhere says whether a pointer has a token with U+0000: no name that is
// stored has it, and no text of PostgreSQL's.
func leadsNowhere(p value.Pointer) bool {
	return slices.ContainsFunc(p, func(token string) bool { return strings.ContainsRune(token, 0) })
}

// follow goes along a pointer by #> and ->, and takes the last step by the
// operators that are given.
func follow(column string, p value.Pointer, steps, name string) string {
	at := column
	for len(p) > 0 {
		if isOnlyName(p[0]) {
			operator := "->"
			if len(p) == 1 {
				operator = name
			}
			at, p = "("+at+" "+operator+" "+literal(p[0])+")", p[1:]
			continue
		}
		n := 1
		for n < len(p) && !isOnlyName(p[n]) {
			n++
		}
		operator := "#>"
		if n == len(p) {
			operator = steps
		}
		tokens := make([]string, n)
		for i := range tokens {
			tokens[i] = literal(p[i])
		}
		at, p = "("+at+" "+operator+" array["+strings.Join(tokens, ",")+"])", p[n:]
	}
	return at
}

// isOnlyName says whether PostgreSQL might take a token for an index that is
// none for a pointer (RFC 6901, section 4).
func isOnlyName(token string) bool {
	if token == "" || !isDigit(token[len(token)-1]) {
		return false // "" and what does not end with a digit is no index to either
	}
	for i := range len(token) {
		if !isDigit(token[i]) {
			return true
		}
	}
	return len(token) > 9 || token[0] == '0' && len(token) > 1
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// numberAt is the number that a pointer leads to; null where there is none.
func numberAt(column string, p value.Pointer) string {
	at := jsonAt(column, p)
	return "(case jsonb_typeof(" + at + ") when 'number' then (" + at + ")::numeric end)"
}

// stringAt is the string that a pointer leads to; null where there is none.
func stringAt(column string, p value.Pointer) string {
	return "(case jsonb_typeof(" + jsonAt(column, p) + ") when 'string' then " + textAt(column, p) + ` end collate "C")`
}

// booleanAt is the boolean that a pointer leads to, as 1 or 0; null where there
// is none. A number it is because PostgreSQL does not see that "not x" says that
// x is not null, and so that a partial index helps.
func booleanAt(column string, p value.Pointer) string {
	return "(case " + jsonAt(column, p) + " when 'true'::jsonb then 1 when 'false'::jsonb then 0 end)"
}

// kindAt is the kind of a jsonb expression, as value.Kind has it.
func kindAt(at string) string {
	return "(case jsonb_typeof(" + at + ") when 'null' then 1 when 'boolean' then case when " + at +
		" = 'true'::jsonb then 3 else 2 end when 'number' then 4 when 'string' then 5 when 'array' then 6 when 'object' then 7 else 0 end)"
}

func kindNumber(k value.Kind) string { return strconv.Itoa(int(k)) }
