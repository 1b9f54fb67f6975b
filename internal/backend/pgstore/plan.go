package pgstore

import (
	"slices"

	"larder/internal/store"
	"larder/internal/value"
)

// conjuncts gives the comparisons that all have to hold for a filter to.
func conjuncts(f value.Filter) []value.Filter {
	switch {
	case f.And != nil:
		var all []value.Filter
		for _, part := range f.And {
			all = append(all, conjuncts(part)...)
		}
		return all
	case f.IsZero() || f.Or != nil || f.Not != nil:
		return nil
	}
	return []value.Filter{f}
}

// accountsFor counts the comparisons that narrow the index: single values of its
// first columns, and then a range. constant is how many of the columns have one
// value.
func (x *index) accountsFor(comparisons []value.Filter) (used, constant int) {
	single := true
	for _, c := range x.columns {
		count, points, one := c.narrowed(comparisons)
		used += count
		if single = single && one; single {
			constant++
		}
		if !points {
			break
		}
	}
	return used, constant
}

// narrowed counts the comparisons that a column can answer. points says that
// they leave single values, one that it is only one.
func (c indexColumn) narrowed(comparisons []value.Filter) (used int, points, one bool) {
	for _, f := range comparisons {
		if f.Op == value.OpEq && c.answers(f) {
			return 1, true, true
		}
	}
	for _, f := range comparisons {
		if f.Op == value.OpIn && c.answers(f) {
			return 1, true, false
		}
	}
	for _, f := range comparisons {
		if c.answers(f) {
			used++
		}
	}
	return used, false, false
}

// answers says whether the column's index can answer a comparison.
func (c indexColumn) answers(f value.Filter) bool {
	path, err := value.ParseFieldPath(f.Path)
	if err != nil || path.Field != value.FieldValue || !slices.Equal(path.Pointer, c.field.Path) {
		return false
	}
	switch f.Op {
	case value.OpEq:
		return c.field.Type.Holds(f.Value)
	case value.OpGt, value.OpGte, value.OpLt, value.OpLte:
		return c.field.Type.Holds(f.Value)
	case value.OpPrefix:
		return c.field.Type == store.StringField
	case value.OpIn:
		elements := elementsOf(f.Value)
		return len(elements) > 0 && !slices.ContainsFunc(elements, func(raw []byte) bool { return !c.field.Type.Holds(raw) })
	}
	return false
}

// orders says whether the index gives a query's order, by and large: sorted by
// the columns behind the constant ones.
func (x *index) orders(sort []store.Sort, constant int) bool {
	columns := x.columns[constant:]
	for i, by := range sort {
		if i >= len(columns) || by.Path != columns[i].field.Path.String() || by.Descending != sort[0].Descending {
			return false
		}
	}
	return true
}

// helpful gives the field by whose index a query would look at less.
func helpful(comparisons []value.Filter) (store.IndexField, bool) {
	for _, f := range comparisons {
		path, err := value.ParseFieldPath(f.Path)
		if err != nil || path.Field != value.FieldValue || len(path.Pointer) == 0 {
			continue
		}
		for _, t := range []store.FieldType{store.StringField, store.NumberField, store.BooleanField} {
			field := store.IndexField{Path: path.Pointer, Type: t}
			if (indexColumn{field: field}).answers(f) {
				return field, true
			}
		}
	}
	return store.IndexField{}, false
}
