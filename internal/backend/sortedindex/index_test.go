package sortedindex

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

func TestPlace(t *testing.T) {
	x := index("x", field("a", store.StringField), field("b", store.NumberField))
	for _, test := range []struct {
		name  string
		value value.Value
		want  Place
	}{
		{"nothing", value.Value{}, Place{}},
		{"bytes", value.OfBytes([]byte(`{"a":"x"}`)), Place{}},
		{"no object", value.MustParse(`[1]`), Place{}},
		{"without the first field", value.MustParse(`{"b":1}`), Place{}},
		{"another type in the first field", value.MustParse(`{"a":1,"b":1}`), Place{}},
		{"null in the first field", value.MustParse(`{"a":null,"b":1}`), Place{}},
		{"both fields", value.MustParse(`{"a":"x","b":1}`), Place{Indexed: true, Whole: true}},
		{"without the second", value.MustParse(`{"a":"x"}`), Place{Indexed: true}},
		{"another type in the second", value.MustParse(`{"a":"x","b":[]}`), Place{Indexed: true}},
		{"a long field", value.MustParse(`{"a":` + long(maxFieldBytes) + `,"b":1}`), Place{Indexed: true, Whole: true, Long: true}},
		{"a long field of another type", value.MustParse(`{"a":"x","b":` + long(maxFieldBytes) + `}`), Place{Indexed: true, Long: true}},
	} {
		got := x.Place(test.value)
		if got.Indexed != test.want.Indexed || got.Whole != test.want.Whole || got.Long != test.want.Long || got.Indexed != (got.Fields != nil) {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
	a, b := []byte(`"x"`), []byte("1")
	if got, want := x.Place(value.MustParse(`{"a":"x","b":1}`)).Fields, value.AppendOrdered(value.AppendOrdered(nil, a), b); !bytes.Equal(got, want) {
		t.Errorf("got %x, want the fields' forms in their order: %x", got, want)
	}
}

// TestLongFieldsStayApart has all that is equal be so after it was cut, and all
// that differs differ, with as many fields as an index may have.
func TestLongFieldsStayApart(t *testing.T) {
	var fields []store.IndexField
	for i := range store.MaxIndexFields {
		fields = append(fields, field(fmt.Sprint("f", i), store.StringField))
	}
	x := index("x", fields...)
	document := func(n int, last string) value.Value {
		text := "{"
		for i := range fields {
			text += fmt.Sprintf("%q:%s,", fmt.Sprint("f", i), long(n)[:n+1]+last+`"`)
		}
		return value.MustParse(text[:len(text)-1] + "}")
	}
	for n := cutBytes - 5; n < maxFieldBytes+5; n++ {
		a, again, b := x.Place(document(n, "a")), x.Place(document(n, "a")), x.Place(document(n, "b"))
		if !bytes.Equal(a.Fields, again.Fields) || bytes.Equal(a.Fields, b.Fields) {
			t.Errorf("%d characters: %x, again %x, another %x", n, a.Fields, again.Fields, b.Fields)
		}
		if isLong := n+3 > maxFieldBytes; a.Long != isLong || isLong && len(a.Fields) != len(fields)*maxFieldBytes {
			t.Errorf("%d characters: %d bytes, long %t", n, len(a.Fields), a.Long)
		}
		split, key, err := Split(Join(a.Fields, "key"))
		if err != nil || !bytes.Equal(split, a.Fields) || string(key) != "key" {
			t.Errorf("%d characters: split to %d bytes and %q, %v", n, len(split), key, err)
		}
	}
}

func TestViolation(t *testing.T) {
	x := index("by_email", store.IndexField{Path: value.Pointer{"mail", "to"}, Type: store.StringField})
	ref := store.Ref{Table: "t", Key: "new"}
	e := x.Violation(ref, `a "b"`)
	if !errors.Is(e, store.UniqueViolation) || e.Ref != ref || e.Field != "value" || e.Pointer != "/mail/to" {
		t.Errorf("got %+v", e)
	}
	if want := `the unique index by_email holds the same for the key "a \"b\""`; e.Detail != want {
		t.Errorf("got %q, want %q", e.Detail, want)
	}
}
