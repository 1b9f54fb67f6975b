package value

import "testing"

func TestValue(t *testing.T) {
	none, js, opaque, empty := Value{}, MustParse("1"), OfBytes([]byte("1")), OfBytes(nil)
	for _, c := range []struct {
		v    Value
		zero bool
		name string
	}{{none, true, "json"}, {js, false, "json"}, {opaque, false, "base64"}, {empty, false, "base64"}} {
		if c.v.IsZero() != c.zero || c.v.Encoding.String() != c.name {
			t.Errorf("%v: IsZero %v, encoding %s", c.v, c.v.IsZero(), c.v.Encoding)
		}
	}
	all := []Value{none, js, opaque, empty}
	for i, a := range all {
		for j, b := range all {
			if a.Equal(b) != (i == j) {
				t.Errorf("%v and %v: Equal is %v", a, b, a.Equal(b))
			}
		}
	}
	if !js.Equal(MustParse(" 1.0 ")) {
		t.Error("equal numbers are not Equal")
	}
}

func TestMustParsePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MustParse("{")
}
