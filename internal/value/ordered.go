package value

// AppendOrdered appends an encoding of a canonical text that sorts by its bytes as
// Compare sorts the texts, for the keys of indexes:
//
//	bytes.Compare(AppendOrdered(nil, a), AppendOrdered(nil, b)) == Compare(a, b)
//
// in sign. No encoding is the beginning of another, so that encodings set one after
// the other sort as the sequences of their values do, and can be told apart again.
// A nil raw is the missing value, and has an encoding too.
func AppendOrdered(dst, raw []byte) []byte {
	if len(raw) == 0 {
		return append(dst, tag(Missing))
	}
	dst, _ = appendOrdered(dst, raw, 0)
	return dst
}

// Every value begins with the tag of its kind. Within, 0 ends a string, an array or
// an object, and is lower than whatever could stand in its place: no string holds
// U+0000, a tag is at least 1, and a member begins with memberMark.
const (
	endMark    = 0x00
	memberMark = 0x01
)

func tag(k Kind) byte { return byte(k) + 1 }

func appendOrdered(dst, raw []byte, i int) (_ []byte, end int) {
	kind := kindOf(raw[i])
	dst = append(dst, tag(kind))
	switch kind {
	case Number:
		end = endOfScalar(raw, i)
		return parseDecimal(raw[i:end]).appendOrdered(dst), end
	case String:
		end = endOfString(raw, i)
		return append(appendUnescaped(dst, raw[i+1:end-1]), endMark), end
	case Array:
		i++
		for raw[i] != ']' {
			dst, end = appendOrdered(dst, raw, i)
			i = next(raw, end)
		}
		return append(dst, endMark), i + 1
	case Object:
		i++
		for raw[i] != '}' {
			name, at := nameAt(raw, i)
			dst = append(dst, memberMark)
			dst = append(appendUnescaped(dst, name), endMark)
			dst, end = appendOrdered(dst, raw, at)
			i = next(raw, end)
		}
		return append(dst, endMark), i + 1
	default:
		return dst, endOfScalar(raw, i)
	}
}

// appendOrdered writes sign, exponent and digits, most significant first: two digits
// a byte as 1 to 100, then 0. A negative number has all bytes after the sign inverted.
func (d decimal) appendOrdered(dst []byte) []byte {
	const negative, zero, positive = 1, 2, 3
	var flip byte
	switch {
	case d.isZero():
		return append(dst, zero)
	case d.negative:
		dst = append(dst, negative)
		flip = 0xff
	default:
		dst = append(dst, positive)
	}
	exp := uint16(d.exp + 1<<15)
	dst = append(dst, byte(exp>>8)^flip, byte(exp)^flip)
	for i := 0; i < d.len(); i += 2 {
		pair := (d.digit(i)-'0')*10 + 1
		if i+1 < d.len() {
			pair += d.digit(i+1) - '0'
		}
		dst = append(dst, pair^flip)
	}
	return append(dst, endMark^flip)
}
