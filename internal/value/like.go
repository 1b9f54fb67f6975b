package value

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// like is a pattern of the operators like and not_like, cut at its %. Without any,
// start is all of it; else a text must begin with start, have the parts of middle
// after that in their order, and then end with end.
type like struct {
	start, end []rune
	middle     []part
	cut        bool
}

// anyRune is what _ becomes; an escaped one stands for itself.
const anyRune rune = -1

// part is what a text must hold somewhere.
type part interface {
	// find gives where the first occurrence in text ends, or -1.
	find(text []byte) int
}

func parseLike(pattern string) (_ like, detail string) {
	if len(pattern) > MaxLike {
		return like{}, "a pattern has at most " + itoa(MaxLike) + " bytes"
	}
	pieces := [][]rune{nil}
	add := func(r rune) { pieces[len(pieces)-1] = append(pieces[len(pieces)-1], r) }
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			add(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '%':
			pieces = append(pieces, nil)
		case r == '_':
			add(anyRune)
		default:
			add(r)
		}
	}
	if escaped {
		return like{}, `a \ at the end of a pattern escapes nothing; for the character itself write \\`
	}
	last := len(pieces) - 1
	p := like{start: pieces[0], cut: last > 0}
	if p.cut {
		p.end = pieces[last]
		for _, piece := range pieces[1:last] {
			if len(piece) > 0 {
				p.middle = append(p.middle, newPart(piece))
			}
		}
	}
	return p, ""
}

func (p like) test() test {
	return func(raw []byte) bool {
		return KindOf(raw) == String && p.match(unescaped(raw[1:len(raw)-1]))
	}
}

// match takes each part of the middle where it comes first, which leaves the most for
// the rest, so that nothing is tried twice.
func (p like) match(text []byte) bool {
	for _, want := range p.start {
		r, n := utf8.DecodeRune(text)
		if n == 0 || r != want && want != anyRune {
			return false
		}
		text = text[n:]
	}
	if !p.cut {
		return len(text) == 0
	}
	for _, want := range slices.Backward(p.end) {
		r, n := utf8.DecodeLastRune(text)
		if n == 0 || r != want && want != anyRune {
			return false
		}
		text = text[:len(text)-n]
	}
	for _, each := range p.middle {
		end := each.find(text)
		if end < 0 {
			return false
		}
		text = text[end:]
	}
	return true
}

func newPart(piece []rune) part {
	if slices.Contains(piece, anyRune) {
		return newShiftAnd(piece)
	}
	return literal(string(piece))
}

// literal is a part without _.
type literal []byte

func (l literal) find(text []byte) int {
	if i := bytes.Index(text, l); i >= 0 {
		return i + len(l)
	}
	return -1
}

// shiftAnd finds a part with _ by Baeza-Yates and Gonnet's algorithm ("A New Approach
// to Text Searching", CACM 35, 1992): a set of the lengths of the part that match
// what ends here, as bits, is moved on by each character, 64 lengths in one step.
type shiftAnd struct {
	words int
	last  int               // the bit of the whole part
	runes map[rune][]uint64 // for each character of the part, where it fits
	other []uint64          // where all other characters fit
}

const maxWords = (MaxLike + 63) / 64

func newShiftAnd(piece []rune) shiftAnd {
	s := shiftAnd{words: (len(piece) + 63) / 64, last: len(piece) - 1, runes: map[rune][]uint64{}}
	s.other = s.fits(piece, anyRune)
	for _, r := range piece {
		if r != anyRune && s.runes[r] == nil {
			s.runes[r] = s.fits(piece, r)
		}
	}
	return s
}

func (s shiftAnd) fits(piece []rune, r rune) []uint64 {
	set := make([]uint64, s.words)
	for i, want := range piece {
		if want == r || want == anyRune {
			set[i/64] |= 1 << (i % 64)
		}
	}
	return set
}

func (s shiftAnd) find(text []byte) int {
	var buf [maxWords]uint64
	state := buf[:s.words]
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		i += n
		fits, ok := s.runes[r]
		if !ok {
			fits = s.other
		}
		carry := uint64(1)
		for w, word := range state {
			state[w] = (word<<1 | carry) & fits[w]
			carry = word >> 63
		}
		if state[s.last/64]>>(s.last%64)&1 == 1 {
			return i
		}
	}
	return -1
}
