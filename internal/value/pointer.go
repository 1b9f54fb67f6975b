package value

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Pointer is a JSON pointer (RFC 6901) as its reference tokens, unescaped. The empty
// Pointer is the whole value.
type Pointer []string

// PointerError says why a text is not a JSON pointer, or why there is no place at one.
type PointerError struct {
	Pointer string
	Detail  string
}

func (e *PointerError) Error() string { return fmt.Sprintf("JSON pointer %q: %s", e.Pointer, e.Detail) }

// ParsePointer reads a JSON pointer: "", or tokens that each follow a /, in which ~1
// stands for / and ~0 for ~. Errors are *PointerError.
func ParsePointer(s string) (Pointer, error) {
	p, detail := parsePointer(s)
	if detail != "" {
		return nil, &PointerError{s, detail}
	}
	return p, nil
}

func parsePointer(s string) (_ Pointer, detail string) {
	if s == "" {
		return Pointer{}, ""
	}
	if s[0] != '/' {
		return nil, "a JSON pointer is empty or begins with /"
	}
	if !utf8.ValidString(s) {
		return nil, "a JSON pointer is valid UTF-8"
	}
	p := make(Pointer, 0, strings.Count(s, "/"))
	for token := range strings.SplitSeq(s[1:], "/") {
		token, ok := unescapeToken(token)
		if !ok {
			return nil, "in a JSON pointer, ~ is followed by 0 or 1"
		}
		p = append(p, token)
	}
	return p, ""
}

func unescapeToken(token string) (string, bool) {
	for rest := token; ; {
		i := strings.IndexByte(rest, '~')
		if i < 0 {
			break
		}
		if i+1 == len(rest) || rest[i+1] != '0' && rest[i+1] != '1' {
			return "", false
		}
		rest = rest[i+2:]
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~"), true
}

// String gives the pointer's text.
func (p Pointer) String() string {
	var text []byte
	for _, token := range p {
		text = appendToken(text, token)
	}
	return string(text)
}

// child is the pointer to a member or element of what p is at. It shares nothing with
// its siblings.
func (p Pointer) child(token string) Pointer { return append(slices.Clip(p), token) }

// appendToken appends a reference token with its slash.
func appendToken(dst []byte, token string) []byte {
	dst = append(dst, '/')
	for i := range len(token) {
		switch c := token[i]; c {
		case '~':
			dst = append(dst, '~', '0')
		case '/':
			dst = append(dst, '~', '1')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// Lookup gives the value at p, as a piece of raw. It reads raw up to there and
// allocates nothing. In a missing value there is nothing.
func (p Pointer) Lookup(raw []byte) ([]byte, bool) {
	i, found := p.locate(raw)
	if !found {
		return nil, false
	}
	if len(p) == 0 {
		return raw, true
	}
	end := endOf(raw, i)
	return raw[i:end:end], true
}

// locate gives where the value at p begins.
func (p Pointer) locate(raw []byte) (i int, found bool) {
	if len(raw) == 0 {
		return 0, false
	}
	for _, token := range p {
		switch raw[i] {
		case '{':
			if i, found = findMember(raw, i, token); found {
				_, i = nameAt(raw, i)
			}
		case '[':
			i, found = findElement(raw, i, token)
		default:
			found = false
		}
		if !found {
			return 0, false
		}
	}
	return i, true
}

// findMember looks for a name in the object that begins at raw[i]: where the member
// begins, or where one of that name would.
func findMember(raw []byte, i int, name string) (at int, found bool) {
	for i++; raw[i] != '}'; {
		text, value := nameAt(raw, i)
		switch c := compareName(text, name); {
		case c == 0:
			return i, true
		case c > 0:
			return i, false
		}
		i = next(raw, endOf(raw, value))
	}
	return i, false
}

// findElement looks for an index in the array that begins at raw[i]: where the
// element begins, or where the array ends.
func findElement(raw []byte, i int, token string) (at int, found bool) {
	index, ok := parseIndex(token)
	if !ok {
		return 0, false
	}
	for i++; raw[i] != ']'; index-- {
		if index == 0 {
			return i, true
		}
		i = next(raw, endOf(raw, i))
	}
	return i, false
}

// parseIndex reads a token as an array's index: digits without a superfluous 0.
func parseIndex(token string) (int, bool) {
	if token == "" || len(token) > 9 || token[0] == '0' && len(token) > 1 {
		return 0, false
	}
	n := 0
	for i := range len(token) {
		if !isDigit(token[i]) {
			return 0, false
		}
		n = n*10 + int(token[i]-'0')
	}
	return n, true
}

// compareName orders a name as it stands in the text and one that is unescaped.
func compareName(text []byte, name string) int {
	if bytes.IndexByte(text, '\\') < 0 {
		switch { // conversions in comparisons do not copy
		case string(text) < name:
			return -1
		case string(text) == name:
			return 0
		default:
			return 1
		}
	}
	for len(text) > 0 && name != "" {
		c, n := leadingByte(text)
		if c != name[0] {
			return int(c) - int(name[0])
		}
		text, name = text[n:], name[1:]
	}
	return len(text) - len(name)
}
