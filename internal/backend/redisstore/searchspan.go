package redisstore

import (
	"slices"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// setSpan is a span of a sorted set of strings, with bounds as ZRANGE has them.
type setSpan struct {
	low, high string
	// down goes from the highest fields of an index to the lowest, but among those
	// that have the same from the lowest key to the highest.
	down bool
}

// allKeys is the span of all keys after one; "" for all.
func allKeys(after string) setSpan {
	low := "-"
	if after != "" {
		low = "(" + after
	}
	return setSpan{low: low, high: "+"}
}

// spansOf says where an access leads: through an index or through the keys.
func spansOf(a *sortedindex.Access, q *store.Query) []setSpan {
	if a.Index == nil {
		after := ""
		if a.InOrder && q.After != nil {
			after = q.After.Key
		}
		return []setSpan{allKeys(after)}
	}
	spans := make([]setSpan, len(a.Spans))
	for i, s := range a.Spans {
		spans[i] = setSpan{low: "[" + string(s.Lo), high: "+", down: a.Descending}
		if s.Hi != nil {
			spans[i].high = "(" + string(s.Hi)
		}
	}
	if !a.Descending {
		return spans
	}
	slices.Reverse(spans)
	if last := len(a.Spans) - 1; a.Same != nil && last >= 0 && a.Spans[last].Holds(a.Same) {
		return splitAt(spans, a.Same, string(sortedindex.Join(a.Same, q.After.Key)))
	}
	return spans
}

// splitAt leaves of spans that go down what comes after a member with these fields, in
// the first of them: what has the same fields is gone through upwards.
func splitAt(spans []setSpan, fields []byte, member string) []setSpan {
	same := setSpan{low: "(" + member, high: "(" + string(fields) + "\xff"} // no key has that byte
	return append([]setSpan{same, {low: spans[0].low, high: "(" + string(fields), down: true}}, spans[1:]...)
}

// restOf is what is left of spans, after a member of the first.
func restOf(spans []setSpan, member string) ([]setSpan, error) {
	first, rest := spans[0], spans[1:]
	if !first.down {
		return append([]setSpan{{low: "(" + member, high: first.high}}, rest...), nil
	}
	fields, _, err := sortedindex.Split([]byte(member))
	if err != nil {
		return nil, err
	}
	return splitAt(spans, fields, member), nil
}
