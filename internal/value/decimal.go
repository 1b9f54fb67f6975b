package value

import (
	"bytes"
	"math"
	"strconv"
)

const (
	maxDigits   = 800     // significant digits of a number; the longest exact float64 has 767
	maxPlain    = 21      // decimal exponents up to this are written without e, as in ECMAScript
	minPlain    = -5      // and from this
	maxExponent = 1 << 30 // where exponents are capped: far outside float64, far inside int
)

// decimal is a number's exact value: ±0.DIGITS × 10^exp, where DIGITS is high
// followed by low and neither begins nor ends with 0. Both empty is zero. The digits
// are pieces of the literal, so that making one allocates nothing, whatever its
// exponent.
type decimal struct {
	negative  bool
	high, low []byte
	exp       int
}

// parseDecimal takes a number literal that has been checked.
func parseDecimal(text []byte) decimal {
	var d decimal
	if text[0] == '-' {
		d.negative = true
		text = text[1:]
	}
	end := digitsEnd(text, 0)
	d.high = text[:end]
	if end < len(text) && text[end] == '.' {
		point := end
		end = digitsEnd(text, point+1)
		d.low = text[point+1 : end]
	}
	if end < len(text) {
		d.exp = parseExponent(text[end+1:])
	}
	if d.high[0] == '0' { // then it is "0" alone
		d.high = nil
		low := bytes.TrimLeft(d.low, "0")
		d.exp -= len(d.low) - len(low)
		d.low = low
	} else {
		d.exp += len(d.high)
	}
	if d.low = bytes.TrimRight(d.low, "0"); len(d.low) == 0 {
		d.high = bytes.TrimRight(d.high, "0")
	}
	if d.isZero() {
		return decimal{}
	}
	return d
}

func parseExponent(text []byte) int {
	negative := text[0] == '-'
	if negative || text[0] == '+' {
		text = text[1:]
	}
	n := 0
	for _, c := range text {
		if n = min(n*10+int(c-'0'), maxExponent); n == maxExponent {
			break
		}
	}
	if negative {
		return -n
	}
	return n
}

func (d decimal) isZero() bool { return len(d.high)+len(d.low) == 0 }

func (d decimal) len() int { return len(d.high) + len(d.low) }

// digit gives the i-th digit's character.
func (d decimal) digit(i int) byte {
	if i < len(d.high) {
		return d.high[i]
	}
	return d.low[i-len(d.high)]
}

// check says what is wrong with the number, or "".
func (d decimal) check() string {
	if d.len() > maxDigits {
		return "a number may have at most " + itoa(maxDigits) + " significant digits"
	}
	const largest, smallest = 309, -323 // decimal exponents of float64's extremes
	if d.isZero() || smallest < d.exp && d.exp < largest {
		return ""
	}
	if d.exp <= largest && d.exp >= smallest {
		var buf [maxDigits + 16]byte
		f, err := strconv.ParseFloat(string(d.appendScientific(buf[:0])), 64)
		if err == nil && f != 0 && !math.IsInf(f, 0) {
			return ""
		}
	}
	if d.exp > 0 {
		return "a number must lie within the range of a 64-bit float: at most 1.7976931348623157e+308"
	}
	return "a number other than 0 must lie within the range of a 64-bit float: at least 5e-324"
}

// append writes the canonical text, as ECMAScript's Number::toString lays it out
// (ECMA-262, 6.1.6.1.20).
func (d decimal) append(dst []byte) []byte {
	if d.isZero() {
		return append(dst, '0')
	}
	if d.exp < minPlain || d.exp > maxPlain {
		return d.appendScientific(dst)
	}
	if d.negative {
		dst = append(dst, '-')
	}
	if d.exp <= 0 {
		dst = append(dst, '0', '.')
		dst = appendZeros(dst, -d.exp)
		dst = append(dst, d.high...)
		return append(dst, d.low...)
	}
	point := len(dst) + d.exp
	dst = append(dst, d.high...)
	dst = append(dst, d.low...)
	if len(dst) <= point {
		return appendZeros(dst, point-len(dst))
	}
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

func (d decimal) appendScientific(dst []byte) []byte {
	if d.negative {
		dst = append(dst, '-')
	}
	dst = append(dst, d.digit(0))
	if d.len() > 1 {
		dst = append(dst, '.')
		if len(d.high) > 0 {
			dst = append(dst, d.high[1:]...)
			dst = append(dst, d.low...)
		} else {
			dst = append(dst, d.low[1:]...)
		}
	}
	dst = append(dst, 'e')
	if d.exp > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(d.exp-1), 10)
}

func (d decimal) isCanonical(text []byte) bool {
	var buf [maxDigits + 16]byte
	return bytes.Equal(d.append(buf[:0]), text)
}

// compare orders by value, exactly.
func (d decimal) compare(o decimal) int {
	if d.negative != o.negative || d.isZero() || o.isZero() {
		return d.sign() - o.sign()
	}
	c := d.compareMagnitude(o)
	if d.negative {
		return -c
	}
	return c
}

func (d decimal) compareMagnitude(o decimal) int {
	if d.exp != o.exp {
		if d.exp < o.exp {
			return -1
		}
		return 1
	}
	for i := range min(d.len(), o.len()) {
		if a, b := d.digit(i), o.digit(i); a != b {
			return int(a) - int(b)
		}
	}
	return d.len() - o.len()
}

func (d decimal) sign() int {
	switch {
	case d.isZero():
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}

func appendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	return dst
}
