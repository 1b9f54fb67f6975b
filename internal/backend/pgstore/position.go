package pgstore

import (
	"strings"
	"unicode/utf8"

	"larder/internal/store"
	"larder/internal/value"
)

// positionText translates where a page ended: which entries come after it.
type positionText struct {
	*queryText
	fields  []sortField
	after   *store.Position
	ordered string // the function that orders arrays and objects
}

// always is a test that everything passes.
const always = "true"

// checkPosition refuses what PostgreSQL could not be asked about. No position
// that a store gave is so.
func checkPosition(p *store.Position, fields []sortField) error {
	if p == nil {
		return nil
	}
	sound := utf8.ValidString(p.Key) && !strings.ContainsRune(p.Key, 0)
	for i, f := range fields {
		if at := p.Sort[i].Data; f.instant && value.KindOf(at) == value.String {
			_, _, ok := value.ParseTime(stringOf(at))
			sound = sound && ok
		}
	}
	if sound {
		return nil
	}
	return &store.Error{Code: store.InvalidCursor, Field: "cursor", Detail: "the cursor names no place in the order of this query"}
}

// beyond says which entries come after the position.
func (t positionText) beyond() string {
	if t.after == nil {
		return always
	}
	if test, ok := t.beyondRow(); ok {
		return test
	}
	return t.beyondFrom(0)
}

// beyondRow compares all terms at once where all go upwards and none is ever
// null: an index answers such a comparison by going right to the place.
func (t positionText) beyondRow() (string, bool) {
	for i, f := range t.fields {
		switch at := t.after.Sort[i].Data; {
		case f.constant != nil:
			if value.Compare(f.constant, at) != 0 {
				return "", false
			}
		case f.descending || f.kind == value.Missing || kindClass(at) != f.kind:
			return "", false
		}
	}
	var terms, places []string
	for i, f := range t.fields {
		if f.constant == nil {
			terms = append(terms, f.terms...)
			places = append(places, t.places(f, t.after.Sort[i].Data)...)
		}
	}
	if len(terms) == 0 {
		return "", false
	}
	terms, places = append(terms, "e.key"), append(places, t.text(t.after.Key))
	return "(" + strings.Join(terms, ", ") + ") > (" + strings.Join(places, ", ") + ")", true
}

// places are what a field's terms are compared with, for a field of one kind.
func (t positionText) places(f sortField, at []byte) []string {
	switch {
	case f.kind == value.Number:
		return []string{t.arg(string(at), "numeric")}
	case f.kind == value.True:
		return []string{t.arg(bit(at), "integer")}
	case f.instant:
		return []string{t.instant(at)}
	case f.str.begin != "":
		s := stringOf(at)
		return []string{t.text(firstRunes(s, f.str.cut)), t.text(s)}
	}
	return []string{t.text(stringOf(at))}
}

func (t positionText) instant(at []byte) string {
	when, _, _ := value.ParseTime(stringOf(at)) // checkPosition has seen that it is one
	return t.time(when)
}

// beyondFrom says it for the fields from one on: what is greater in this, or
// equal in this and comes after by the rest.
func (t positionText) beyondFrom(i int) string {
	if i == len(t.fields) {
		return "e.key > " + t.text(t.after.Key)
	}
	f, at := t.fields[i], t.after.Sort[i].Data
	kind := value.KindOf(at)
	switch {
	case f.constant != nil:
		return t.known(f, value.Compare(f.constant, at), i)
	case f.kind != value.Missing && kindClass(at) != f.kind:
		return t.known(f, int(f.kind)-int(kind), i)
	case f.kind != value.Missing:
		return t.beyondValue(f, at, i)
	}
	number := kindNumber(kind)
	return "(" + f.kindSQL + f.after() + number + " or " + f.kindSQL + " = " + number + " and " + t.beyondValue(f, at, i) + ")"
}

// known says it where the field compares so for all entries.
func (t positionText) known(f sortField, order int, i int) string {
	if f.descending {
		order = -order
	}
	switch {
	case order > 0:
		return always
	case order < 0:
		return never
	}
	return t.beyondFrom(i + 1)
}

// after is the sign of what comes later.
func (f sortField) after() string {
	if f.descending {
		return " < "
	}
	return " > "
}

// beyondValue says it among entries whose field is of the same kind.
func (t positionText) beyondValue(f sortField, at []byte, i int) string {
	sql := f.contentSQL(at)
	if sql == "" { // all of this kind are equal, or the field has none of it
		return t.beyondFrom(i + 1)
	}
	place := t.content(f, at)
	test := "(" + sql + f.after() + place + " or " + sql + " = " + place + " and " + t.beyondFrom(i+1) + ")"
	if f.kind == value.Missing {
		return test
	}
	// Said again as one comparison, so that an index can go near the place.
	near, nearest := sql, place
	if f.str.begin != "" && f.kind == value.String {
		near, nearest = f.str.begin, t.text(firstRunes(stringOf(at), f.str.cut))
	}
	return "(" + near + strings.TrimRight(f.after(), " ") + "= " + nearest + " and " + test + ")"
}

// contentSQL is what there is to compare with a value of that kind; "" for
// nothing.
func (f sortField) contentSQL(at []byte) string {
	switch kind := value.KindOf(at); {
	case kind == value.Number:
		return f.number
	case kind == value.String && f.instant:
		return f.instantSQL
	case kind == value.String:
		return f.str.whole
	case f.kind == value.True:
		return f.boolean
	case kind == value.Array || kind == value.Object:
		return f.nested
	}
	return ""
}

// content is the value that this is compared with.
func (t positionText) content(f sortField, at []byte) string {
	switch kind := value.KindOf(at); {
	case kind == value.Number:
		return t.arg(string(at), "numeric")
	case kind == value.String && f.instant:
		return t.instant(at)
	case kind == value.String:
		return t.text(stringOf(at))
	case f.kind == value.True:
		return t.arg(bit(at), "integer")
	}
	return t.ordered + "(" + t.arg(string(at), "jsonb") + ")"
}
