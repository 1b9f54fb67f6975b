package sortedindex

import (
	"fmt"

	"larder/internal/store"
	"larder/internal/value"
)

// TooExpensive is the error for a query that would look at more entries than it
// may. It names the index that would help, where one could.
func TooExpensive(q *store.Compiled) *store.Error {
	e := &store.Error{
		Code: store.QueryTooExpensive, Ref: store.Ref{Table: q.Table}, Field: "filter",
		Detail: fmt.Sprintf("the query would look at more than %d entries; compare a field with a string or a number, and an index on that field would help", q.Budget),
	}
	comparisons, _ := conjuncts(q.Filter)
	for _, c := range comparisons {
		if field, ok := indexable(c); ok {
			e.Detail = fmt.Sprintf("the query would look at more than %d entries; an index on %s (%s) would help", q.Budget, field.Path, field.Type)
			break
		}
	}
	return e
}

// indexable gives the field by whose index a comparison could be answered.
func indexable(c value.Filter) (store.IndexField, bool) {
	path, err := value.ParseFieldPath(c.Path)
	if err != nil || path.Field != value.FieldValue || len(path.Pointer) == 0 {
		return store.IndexField{}, false
	}
	for _, t := range []store.FieldType{store.StringField, store.NumberField, store.BooleanField} {
		f := store.IndexField{Path: path.Pointer, Type: t}
		if _, ok := boundsOf(f, true, []value.Filter{c}); ok {
			return f, true
		}
	}
	return store.IndexField{}, false
}
