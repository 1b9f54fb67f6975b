package value

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// This file is about the text between the quotes of a string.

// checkEscape looks at an escape sequence: how long it is, and whether it is the one
// that the canonical form has. A detail says what is wrong.
func checkEscape(text []byte) (n int, minimal bool, detail string) {
	const form = `an escape is one of \" \\ \/ \b \f \n \r \t and \u with four hexadecimal digits`
	if len(text) < 2 {
		return 0, false, form
	}
	switch text[1] {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return 2, true, ""
	case '/':
		return 2, false, ""
	case 'u':
	default:
		return 0, false, form
	}
	r, ok := hex4(text)
	switch {
	case !ok:
		return 0, false, form
	case r == 0:
		return 0, false, "U+0000 cannot be stored in a string or a name"
	case utf16.IsSurrogate(r):
		low, ok := rune(0), false
		if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
			low, ok = hex4(text[6:])
		}
		if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
			return 0, false, `a surrogate must come as a pair, as in \ud83d\ude00`
		}
		return 12, false, ""
	}
	var buf [6]byte
	return 6, bytes.Equal(appendEscapedByte(buf[:0], r), text[:6]), ""
}

// hex4 reads the digits of a \uXXXX that text begins with.
func hex4(text []byte) (rune, bool) {
	if len(text) < 6 {
		return 0, false
	}
	var r rune
	for _, c := range text[2:6] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendEscapedByte writes a character as the canonical form escapes it, or as
// itself where it needs no escape.
func appendEscapedByte(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if r >= ' ' {
		return utf8.AppendRune(dst, r)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
}

// unescape reads the escape that text begins with: its character and its length.
// The text has been checked.
func unescape(text []byte) (rune, int) {
	switch c := text[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, _ := hex4(text)
		if utf16.IsSurrogate(r) {
			low, _ := hex4(text[6:])
			return utf16.DecodeRune(r, low), 12
		}
		return r, 6
	default:
		return rune(c), 2
	}
}

// appendUnescaped appends what the text between quotes stands for.
func appendUnescaped(dst, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		r, n := unescape(text[i:])
		dst = utf8.AppendRune(dst, r)
		text = text[i+n:]
	}
}

// unescaped is text itself where nothing in it is escaped.
func unescaped(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	return appendUnescaped(make([]byte, 0, len(text)), text)
}

func unescapeString(text []byte) string { return string(unescaped(text)) }

// appendEscaped appends s as it stands between quotes, with U+FFFD for what is not
// UTF-8.
func appendEscaped[T string | []byte](dst []byte, s T) []byte {
	for _, r := range string(s) {
		dst = appendEscapedByte(dst, r)
	}
	return dst
}

// AppendString appends s as a canonical JSON string, quotes included. What is not
// valid UTF-8 in s becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// compareEscaped orders two texts between quotes, canonically escaped, by the bytes
// that they stand for.
func compareEscaped(a, b []byte) int {
	if len(a) > 0 && len(b) > 0 && a[0] != b[0] && a[0] != '\\' && b[0] != '\\' {
		return int(a[0]) - int(b[0])
	}
	if bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return bytes.Compare(a, b)
	}
	for len(a) > 0 && len(b) > 0 {
		x, n := leadingByte(a)
		y, m := leadingByte(b)
		if x != y {
			return int(x) - int(y)
		}
		a, b = a[n:], b[m:]
	}
	return len(a) - len(b)
}

// leadingByte gives the first byte that the text stands for. A canonical escape
// stands for one.
func leadingByte(text []byte) (byte, int) {
	if text[0] != '\\' {
		return text[0], 1
	}
	r, n := unescape(text)
	return byte(r), n
}

func itoa(n int) string { return strconv.Itoa(n) }
