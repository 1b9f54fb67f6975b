package pgstore

import (
	"slices"
	"strings"

	"larder/internal/store"
	"larder/internal/value"
)

// sortField is one order of a query, as SQL has it.
type sortField struct {
	descending bool
	pointer    value.Pointer // into the value; nil: another field
	terms      []string      // what PostgreSQL sorts by, one after the other
	nulls      bool          // the only term may be null, which comes before all else

	// constant is what all entries have here that the filter lets through; nil:
	// various. There is nothing to sort by then.
	constant []byte
	// kind is the kind of all that they have here, with True for both booleans;
	// Missing: various, and kindSQL tells which.
	kind    value.Kind
	kindSQL string

	number, boolean, nested string // what there is of each kind
	str                     stringColumn
	instant                 bool // the string is a time, and instantSQL what it is compared as
	instantSQL              string
}

// newSortField finds out what the comparisons, all of which hold, say of a field
// that is sorted by. What is of one kind for certain is sorted as that, which an
// index can help with.
func newSortField(by store.Sort, comparisons []value.Filter, columns columnsByField, ordered string) sortField {
	f := sortField{descending: by.Descending}
	path, err := value.ParseFieldPath(by.Path)
	if err != nil {
		return f // compiling has refused it
	}
	switch path.Field {
	case value.FieldKey:
		f.kind, f.str = value.String, plainText("e.key")
		f.terms = []string{"e.key"}
	case value.FieldVersion:
		f.kind, f.number = value.Number, "e.version"
		f.terms = []string{f.number}
	case value.FieldMetadata:
		f.str = plainText(metadataAt(path.Name))
		f.kindSQL = kindUnlessNull(f.str.whole, value.Missing)
		f.terms, f.nulls = []string{f.str.whole}, true
	case value.FieldCreatedAt, value.FieldUpdatedAt, value.FieldExpiresAt:
		f.kind, f.instant, f.instantSQL = value.String, true, timeAt(path.Field)
		if path.Field == value.FieldExpiresAt {
			f.kind, f.nulls, f.kindSQL = value.Missing, true, kindUnlessNull(f.instantSQL, value.Null)
		}
		f.terms = []string{f.instantSQL}
	default:
		f.pointer = path.Pointer
		f.constant, f.kind = restriction(path.String(), comparisons)
		f.setValue(path.Pointer, columns, ordered)
	}
	return f
}

// kindUnlessNull is the kind of a field that is a string or null.
func kindUnlessNull(sql string, null value.Kind) string {
	return "(case when " + sql + " is null then " + kindNumber(null) + " else " + kindNumber(value.String) + " end)"
}

// setValue sorts by a part of the value. Anything may stand there: first its
// kind decides, then what there is of that kind.
func (f *sortField) setValue(p value.Pointer, columns columnsByField, ordered string) {
	f.number, f.boolean, f.str = numberAt(entryValue, p), booleanAt(entryValue, p), plainText(stringAt(entryValue, p))
	if c, indexed := columns[indexedField{p.String(), store.StringField}]; indexed {
		f.str = c.text()
	}
	switch {
	case f.constant != nil:
	case f.kind == value.Number:
		f.terms = []string{f.number}
	case f.kind == value.True:
		f.terms = []string{f.boolean}
	case f.kind == value.String && f.str.begin != "":
		f.terms = []string{f.str.begin, f.str.whole} // an index orders by the first
	case f.kind == value.String:
		f.terms = []string{f.str.whole}
	default:
		at := jsonAt(entryValue, p)
		f.kindSQL = kindAt(at)
		f.nested = "(case when jsonb_typeof(" + at + ") in ('array', 'object') then " + ordered + "(" + at + ") end)"
		f.terms = []string{f.kindSQL, f.number, f.str.whole, f.nested}
	}
}

// restriction is what comparisons that all hold leave of a field.
func restriction(path string, comparisons []value.Filter) (constant []byte, kind value.Kind) {
	for _, c := range comparisons {
		parsed, err := value.ParseFieldPath(c.Path)
		if err != nil || parsed.String() != path {
			continue
		}
		switch c.Op {
		case value.OpEq:
			return c.Value, value.Missing
		case value.OpGt, value.OpGte, value.OpLt, value.OpLte:
			kind = kindClass(c.Value)
		case value.OpPrefix, value.OpLike:
			kind = value.String
		case value.OpIn:
			if of := commonClass(elementsOf(c.Value)); of != value.Missing {
				kind = of
			}
		}
	}
	return nil, kind
}

// kindClass is the kind of a number, a string or, as True, a boolean; Missing for
// all others.
func kindClass(raw []byte) value.Kind {
	switch kind := value.KindOf(raw); kind {
	case value.Number, value.String, value.True:
		return kind
	case value.False:
		return value.True
	}
	return value.Missing
}

// commonClass is the class of all of them; Missing where they differ.
func commonClass(values [][]byte) value.Kind {
	if len(values) == 0 {
		return value.Missing
	}
	of := kindClass(values[0])
	if slices.ContainsFunc(values, func(raw []byte) bool { return kindClass(raw) != of }) {
		return value.Missing
	}
	return of
}

// orderBy is what stands behind ORDER BY.
func orderBy(fields []sortField) string {
	var terms []string
	for _, f := range fields {
		for _, term := range f.terms {
			switch {
			case f.descending && f.nulls:
				term += " desc nulls last"
			case f.descending:
				term += " desc" // as an index goes backwards; nulls are among their like here
			case f.nulls:
				term += " nulls first"
			}
			terms = append(terms, term)
		}
	}
	return strings.Join(append(terms, "e.key"), ", ")
}
