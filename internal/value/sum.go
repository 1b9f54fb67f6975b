package value

import (
	"errors"
	"math/big"
	"strconv"
)

// What Add can fail with.
var (
	ErrNotNumber  = errors.New("not a number")
	ErrOutOfRange = errors.New("the sum is outside the range of numbers, or has too many digits")
)

// Add gives the sum of two canonical numbers, exactly. It fails with ErrNotNumber, or
// with ErrOutOfRange where Parse would refuse the sum.
func Add(a, b []byte) ([]byte, error) {
	if KindOf(a) != Number || KindOf(b) != Number {
		return nil, ErrNotNumber
	}
	if x, ok := smallInteger(a); ok {
		if y, ok := smallInteger(b); ok {
			return strconv.AppendInt(nil, x+y, 10), nil
		}
	}
	d := parseDecimal(a).plus(parseDecimal(b))
	if d.check() != "" {
		return nil, ErrOutOfRange
	}
	return d.append(nil), nil
}

// smallInteger reads an integer of at most 18 digits, so that two can be added without
// overflow.
func smallInteger(text []byte) (int64, bool) {
	digits := text
	if text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if text[0] == '-' {
		n = -n
	}
	return n, true
}

// plus adds exactly. Both numbers are within the limits of Parse, so that no
// coefficient gets more than some 1,500 digits.
func (d decimal) plus(o decimal) decimal {
	switch {
	case d.isZero():
		return o
	case o.isZero():
		return d
	}
	unit := min(d.exp-d.len(), o.exp-o.len())
	sum := d.coefficient(unit)
	sum.Add(sum, o.coefficient(unit))
	text := append(sum.Append(nil, 10), 'e')
	return parseDecimal(strconv.AppendInt(text, int64(unit), 10))
}

// coefficient gives a number other than 0 in units of 10^unit, of which it is a
// multiple.
func (d decimal) coefficient(unit int) *big.Int {
	digits := make([]byte, 0, 1+d.exp-unit)
	if d.negative {
		digits = append(digits, '-')
	}
	digits = append(digits, d.high...)
	digits = append(digits, d.low...)
	digits = appendZeros(digits, d.exp-d.len()-unit)
	n, _ := new(big.Int).SetString(string(digits), 10)
	return n
}
