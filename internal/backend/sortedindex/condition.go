package sortedindex

import (
	"bytes"
	"encoding/json"
	"slices"

	"larder/internal/store"
	"larder/internal/value"
)

// conjuncts gives the comparisons that all have to hold for a filter to. whole
// says that they are all there is to it.
func conjuncts(f value.Filter) (all []value.Filter, whole bool) {
	switch {
	case f.IsZero():
		return nil, true
	case f.And != nil:
		whole = true
		for _, part := range f.And {
			more, wholly := conjuncts(part)
			all = append(all, more...)
			whole = whole && wholly
		}
		return all, whole
	case f.Or != nil || f.Not != nil:
		return nil, false
	}
	return []value.Filter{f}, true
}

// fieldBounds is what a filter's comparisons leave of one field of an index:
// the forms it may have, or a range that they lie in.
type fieldBounds struct {
	points [][]byte // complete forms of single values, in order, none twice
	span   Span     // where there are no points
	used   []int    // which comparisons that accounts for
	exact  bool     // and it accounts for them wholly
}

// boundsOf finds what comparisons say of a field. first is the first field of
// an index, which holds values of one type only; what may match another type
// can't be answered by it.
func boundsOf(f store.IndexField, first bool, comparisons []value.Filter) (fieldBounds, bool) {
	path := f.Path.String()
	takes := func(raw []byte) bool {
		return len(raw) > 0 && (!first || f.Type.Holds(raw))
	}
	for i, c := range comparisons {
		if c.Path == path && c.Op == value.OpEq && takes(c.Value) {
			form, _ := appendField(nil, c.Value)
			return fieldBounds{points: [][]byte{form}, used: []int{i}, exact: true}, true
		}
	}
	for i, c := range comparisons {
		if c.Path == path && c.Op == value.OpIn {
			if points, ok := pointsOf(c.Value, takes); ok {
				return fieldBounds{points: points, used: []int{i}, exact: true}, true
			}
		}
	}
	return rangeOf(path, takes, comparisons)
}

// pointsOf gives the forms of the elements of an array.
func pointsOf(array []byte, takes func(raw []byte) bool) ([][]byte, bool) {
	var elements []json.RawMessage
	if err := json.Unmarshal(array, &elements); err != nil {
		return nil, false
	}
	points := make([][]byte, 0, len(elements))
	for _, raw := range elements {
		if !takes(raw) {
			return nil, false
		}
		form, _ := appendField(nil, raw)
		points = append(points, form)
	}
	slices.SortFunc(points, bytes.Compare)
	return slices.CompactFunc(points, bytes.Equal), true
}

// rangeOf joins all comparisons of order and prefix with one kind of value.
func rangeOf(path string, takes func(raw []byte) bool, comparisons []value.Filter) (fieldBounds, bool) {
	var b fieldBounds
	var kind value.Kind
	for i, c := range comparisons {
		if c.Path != path || !takes(c.Value) {
			continue
		}
		of := value.KindOf(c.Value)
		if of != value.Number && of != value.String || kind != value.Missing && of != kind {
			continue
		}
		s, exact, ok := rangeOfOne(c.Op, c.Value)
		if !ok {
			continue
		}
		if kind == value.Missing {
			kind, b.span, b.exact = of, s, true
		}
		b.span = b.span.within(s)
		b.exact = b.exact && exact
		b.used = append(b.used, i)
	}
	return b, len(b.used) > 0
}

// rangeOfOne is where the forms of the values lie for which a comparison holds.
func rangeOfOne(op string, operand []byte) (s Span, exact, ok bool) {
	form := appendBound(nil, operand)
	exact = len(value.AppendOrdered(nil, operand)) == len(form)
	kind := form[:1]
	switch op {
	case value.OpGte:
		return Span{form, prefixEnd(kind)}, exact, true
	case value.OpGt:
		if !exact {
			return Span{form, prefixEnd(kind)}, false, true
		}
		return Span{prefixEnd(form), prefixEnd(kind)}, true, true
	case value.OpLte:
		return Span{kind, prefixEnd(form)}, exact, true
	case value.OpLt:
		if !exact {
			return Span{kind, prefixEnd(form)}, false, true
		}
		return Span{kind, form}, true, true
	case value.OpPrefix:
		if exact {
			form = form[:len(form)-1] // the mark of a string's end
		}
		return Span{form, prefixEnd(form)}, exact, true
	}
	return Span{}, false, false
}

// pointsAfter gives each of the points behind each of the prefixes.
func (b *fieldBounds) pointsAfter(prefixes [][]byte) [][]byte {
	all := make([][]byte, 0, len(prefixes)*len(b.points))
	for _, prefix := range prefixes {
		for _, point := range b.points {
			all = append(all, slices.Concat(prefix, point))
		}
	}
	return all
}
