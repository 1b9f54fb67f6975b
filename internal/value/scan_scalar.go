package value

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

func (s *scanner) string() *fault {
	data := s.data
	i := s.pos + 1
	for {
		i = plainEnd(data, i)
		if i == len(data) {
			return s.faultAt(i, "the string must end with a double quote")
		}
		switch c := data[i]; {
		case c == '"':
			s.pos = i + 1
			return nil
		case c == '\\':
			n, minimal, detail := checkEscape(data[i:])
			if detail != "" {
				return s.faultAt(i, detail)
			}
			if !minimal {
				r, _ := unescape(data[i:])
				s.flush(i)
				s.out = appendEscapedByte(s.out, r)
				s.copied = i + n
			}
			i += n
		case c < ' ':
			return s.faultAt(i, `a control character must be escaped, as in \n or \u001f`)
		default:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				return s.faultAt(i, "the text must be valid UTF-8")
			}
			i += n
		}
	}
}

// plainEnd steps, from i on, over bytes that stand for themselves in a string and are
// ASCII: eight at once. In each of them a bit of special is set if it, or one before
// it, is not such a byte; the first is what counts.
func plainEnd(data []byte, i int) int {
	const ones = 0x0101010101010101
	for len(data)-i >= 8 {
		w := binary.LittleEndian.Uint64(data[i:])
		control, quote, backslash := w-ones*' ', w^ones*'"'-ones, w^ones*'\\'-ones
		if special := (w | control | quote | backslash) & (ones * utf8.RuneSelf); special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
		i += 8
	}
	for i < len(data) {
		if c := data[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
		i++
	}
	return i
}

// number scans a literal. Short ones without an exponent, nearly all, are judged by
// their looks; the rest is brought to decimal form.
func (s *scanner) number() *fault {
	data, start := s.data, s.pos
	whole := start
	if data[whole] == '-' {
		whole++
	}
	end := digitsEnd(data, whole)
	digits := end - whole
	switch {
	case digits == 0:
		return s.faultAt(end, "a digit is expected after the minus")
	case digits > 1 && data[whole] == '0':
		return s.faultAt(whole, "a number must not begin with a superfluous 0")
	}
	fraction := 0
	if end < len(data) && data[end] == '.' {
		point := end
		end = digitsEnd(data, point+1)
		if fraction = end - point - 1; fraction == 0 {
			return s.faultAt(end, "a digit is expected after the decimal point")
		}
	}
	simple := digits+fraction <= maxPlain && data[end-1] != '0' && (data[whole] != '0' || fraction <= 1-minPlain) ||
		fraction == 0 && digits <= maxPlain && data[whole] != '0'
	if end < len(data) && (data[end] == 'e' || data[end] == 'E') {
		simple = false
		end++
		if end < len(data) && (data[end] == '+' || data[end] == '-') {
			end++
		}
		exponent := end
		if end = digitsEnd(data, exponent); end == exponent {
			return s.faultAt(end, "a digit is expected in the exponent")
		}
	}
	s.pos = end
	if simple || end-start == 1 {
		return nil
	}
	return s.decimal(start)
}

func digitsEnd(data []byte, i int) int {
	for i < len(data) && isDigit(data[i]) {
		i++
	}
	return i
}

// decimal checks the value of the number literal that was scanned from start on, and
// writes it in canonical form.
func (s *scanner) decimal(start int) *fault {
	text := s.data[start:s.pos]
	d := parseDecimal(text)
	if detail := d.check(); detail != "" {
		return s.faultAt(start, detail)
	}
	if d.isCanonical(text) {
		return nil
	}
	s.flush(start)
	s.out = d.append(s.out)
	s.copied = s.pos
	if len(s.out) > s.maxBytes {
		return &fault{size: len(s.out)}
	}
	return nil
}
