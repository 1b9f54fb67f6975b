package value

import (
	"unicode/utf8"
)

// like is a pattern of the operators like and not_like, as its characters.
type like []rune

// What the signs of a pattern become; a character that was escaped, or is no sign,
// stands for itself.
const (
	likeAny rune = -1 // %
	likeOne rune = -2 // _
)

func parseLike(pattern string) (_ like, detail string) {
	if len(pattern) > MaxLike {
		return nil, "a pattern has at most " + itoa(MaxLike) + " bytes"
	}
	var p like
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
			continue
		case r == '%' && len(p) > 0 && p[len(p)-1] == likeAny:
			continue
		case r == '%':
			r = likeAny
		case r == '_':
			r = likeOne
		}
		p = append(p, r)
	}
	if escaped {
		return nil, `a \ at the end of a pattern escapes nothing; for the character itself write \\`
	}
	return p, ""
}

func (p like) test() test {
	return func(raw []byte) bool {
		return KindOf(raw) == String && p.match(unescaped(raw[1:len(raw)-1]))
	}
}

// match holds the whole text against the pattern. When a character does not fit, only
// the last % passed is given one more: an earlier one need never be longer than it
// was. So the time is at most the product of both lengths.
func (p like) match(text []byte) bool {
	var (
		i, j       int // in text, in p
		star, mark = -1, 0
	)
	for i < len(text) {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case j < len(p) && p[j] == likeAny:
			star, mark = j, i
			j++
		case j < len(p) && (p[j] == likeOne || p[j] == r):
			i += n
			j++
		case star >= 0:
			_, n := utf8.DecodeRune(text[mark:])
			mark += n
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(p) && p[j] == likeAny {
		j++
	}
	return j == len(p)
}
