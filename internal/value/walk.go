package value

import "bytes"

// This file steps through text that has been checked.

// endOfString gives where the string that begins at text[i] ends, after its quote.
func endOfString(text []byte, i int) int {
	for {
		n := bytes.IndexByte(text[i+1:], '"')
		if n < 0 {
			return len(text)
		}
		i += 1 + n
		escapes := 0
		for text[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}

// endOfScalar gives where the number, true, false or null that begins at text[i] ends.
func endOfScalar(text []byte, i int) int {
	for ; i < len(text); i++ {
		switch text[i] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return i
		}
	}
	return i
}

// endOf gives where the value that begins at text[i] ends.
func endOf(text []byte, i int) int {
	end, _ := measure(text, i)
	return end
}

// measure gives where the value that begins at text[i] ends, and how deep it nests:
// 0 for a scalar, 1 for an array or object of scalars or of nothing.
func measure(text []byte, i int) (end, height int) {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i = endOfString(text, i)
		case '{', '[':
			depth++
			height = max(height, depth)
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':':
			i++
			continue
		default:
			i = endOfScalar(text, i)
		}
		if depth == 0 {
			return i, height
		}
	}
	return i, height
}

// A walk over an object goes
//
//	for i := 1; raw[i] != '}'; {
//		name, at := nameAt(raw, i)
//		i = next(raw, endOf(raw, at))
//	}
//
// and one over an array the same without the name.

// nameAt reads the name, without quotes, of the member that begins at raw[i], and
// gives where its value begins.
func nameAt(raw []byte, i int) (name []byte, at int) {
	end := endOfString(raw, i)
	return raw[i+1 : end-1], end + 1
}

// next steps from the end of one member or element to the beginning of the next, or
// to the closing bracket.
func next(raw []byte, end int) int {
	if raw[end] == ',' {
		return end + 1
	}
	return end
}
