package value

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Set gives a new text, raw with val at p: in an object the member of that name, new
// or not; in an array an element that is there, or with the token - one after the
// last. All above must exist. Errors are *PointerError. Set knows no limits: who lets
// values grow by it checks the size of the result.
func (p Pointer) Set(raw, val []byte) ([]byte, error) {
	if len(p) == 0 {
		return slices.Clone(val), nil
	}
	parents, token := p[:len(p)-1], p[len(p)-1]
	i, found := parents.locate(raw)
	if !found {
		return nil, &PointerError{p.String(), "there is nothing at " + quotedPlace(parents)}
	}
	switch raw[i] {
	case '{':
		return setMember(raw, i, token, val)
	case '[':
		if token == "-" {
			at := endOf(raw, i) - 1
			return slices.Concat(raw[:at], separator(raw, at), val, raw[at:]), nil
		}
		at, found := findElement(raw, i, token)
		if !found {
			return nil, &PointerError{p.String(), "the array has no such element"}
		}
		return slices.Concat(raw[:at], val, raw[endOf(raw, at):]), nil
	default:
		return nil, &PointerError{p.String(), "at " + quotedPlace(parents) + " is neither an object nor an array"}
	}
}

func setMember(raw []byte, i int, name string, val []byte) ([]byte, error) {
	at, found := findMember(raw, i, name)
	if found {
		_, at = nameAt(raw, at)
		return slices.Concat(raw[:at], val, raw[endOf(raw, at):]), nil
	}
	if !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0 {
		return nil, &PointerError{Pointer{name}.String(), "a name must be valid UTF-8 without U+0000"}
	}
	member := append(AppendString(nil, name), ':')
	member = append(member, val...)
	if raw[at] == '}' {
		return slices.Concat(raw[:at], separator(raw, at), member, raw[at:]), nil
	}
	return slices.Concat(raw[:at], member, []byte{','}, raw[at:]), nil
}

// separator is what has to stand between what is before the closing bracket at
// raw[at] and one more element.
func separator(raw []byte, at int) []byte {
	if c := raw[at-1]; c == '{' || c == '[' {
		return nil
	}
	return []byte{','}
}

// quotedPlace names a place in an error.
func quotedPlace(p Pointer) string {
	if len(p) == 0 {
		return "the root"
	}
	text := p.String()
	if len(text) > maxPointer {
		text = strings.ToValidUTF8(text[:maxPointer], "") + "…"
	}
	return text
}
