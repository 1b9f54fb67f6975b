package sortedindex

import (
	"bytes"
	"slices"
)

// Span is a half-open range of bytes, from Lo on and below Hi; a nil Hi is no
// end.
type Span struct{ Lo, Hi []byte }

// StartingWith is the span of all that begins with prefix.
func StartingWith(prefix []byte) Span { return Span{prefix, prefixEnd(prefix)} }

// Holds says whether b lies within the span.
func (s Span) Holds(b []byte) bool {
	return bytes.Compare(b, s.Lo) >= 0 && (s.Hi == nil || bytes.Compare(b, s.Hi) < 0)
}

func (s Span) isEmpty() bool { return s.Hi != nil && bytes.Compare(s.Lo, s.Hi) >= 0 }

// within is what two spans have in common.
func (s Span) within(o Span) Span {
	if bytes.Compare(o.Lo, s.Lo) > 0 {
		s.Lo = o.Lo
	}
	if s.Hi == nil || o.Hi != nil && bytes.Compare(o.Hi, s.Hi) < 0 {
		s.Hi = o.Hi
	}
	return s
}

// after gives the span behind each of the prefixes.
func (s Span) after(prefixes [][]byte) []Span {
	spans := make([]Span, len(prefixes))
	for i, prefix := range prefixes {
		spans[i] = Span{slices.Concat(prefix, s.Lo), slices.Concat(prefix, s.Hi)}
		if s.Hi == nil {
			spans[i].Hi = prefixEnd(prefix)
		}
	}
	return spans
}

// prefixEnd is the first string of bytes after all that begin with prefix; nil
// where there is none.
func prefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}
