package value

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"
)

// ascending are values in the total order, each below the next.
var ascending = []string{
	"", "null", "false", "true",
	"-1.7976931348623157e+308", "-1e+21", "-100", "-12", "-11.5", "-11", "-1.01", "-1", "-0.5", "-1e-7", "-5e-324",
	"0", "5e-324", "1e-7", "0.000001", "0.01", "0.1", "0.11", "0.9", "1", "1.000000000000000000001", "1.1", "9", "10", "11", "99", "100", "101",
	"9007199254740992", "9007199254740993", "999999999999999999999", "1e+21", "1.1e+21", "1.7976931348623157e+308",
	`""`, `"\u0001"`, `"\n"`, `" "`, `"!"`, `"\""`, `"#"`, `"0"`, `"A"`, `"\\"`, `"]"`, `"a"`, `"a\n"`, `"a "`, `"aa"`, `"b"`, `"é"`, `"ﬀ"`, `"😀"`,
	"[]", "[null]", "[null,null]", "[false]", "[1]", "[1,2]", "[2]", `[""]`, `["a"]`, `["a",1]`, `["a\n"]`, "[[]]", "[[],1]", "[[1]]", "[{}]",
	"{}", `{"":null}`, `{"":null,"a":1}`, `{"":1}`, `{"a":1}`, `{"a":1,"b":1}`, `{"a":1,"c":0}`, `{"a":2}`, `{"a":{}}`, `{"a\n":0}`, `{"aa":0}`, `{"b":0}`,
}

func TestCompareAndAppendOrdered(t *testing.T) {
	for i, a := range ascending {
		for j, b := range ascending {
			want := cmp.Compare(i, j)
			if c := Compare([]byte(a), []byte(b)); cmp.Compare(c, 0) != want {
				t.Errorf("Compare(%s, %s) = %d, want %d", a, b, c, want)
			}
			x, y := AppendOrdered(nil, []byte(a)), AppendOrdered(nil, []byte(b))
			if c := bytes.Compare(x, y); c != want {
				t.Errorf("ordered %s and %s: %d, want %d", a, b, c, want)
			}
			if i != j && bytes.HasPrefix(x, y) {
				t.Errorf("%s is %x, and begins with %s, which is %x", a, x, b, y)
			}
		}
	}
}

func TestKindOf(t *testing.T) {
	for text, want := range map[string]string{
		"": "missing", "null": "null", "false": "false", "true": "true", "-1": "number", "0": "number",
		`""`: "string", "[]": "array", "{}": "object",
	} {
		if got := KindOf([]byte(text)); got.String() != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestCompareIsTheModelsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := randomValue(t, 3), randomValue(t, 3)
		a, b := []byte(modelText(x)), []byte(modelText(y))
		want := cmp.Compare(modelCompare(x, y), 0)
		if got := Compare(a, b); cmp.Compare(got, 0) != want {
			t.Fatalf("Compare(%s, %s) = %d, want %d", a, b, got, want)
		}
		if got := Compare(b, a); cmp.Compare(got, 0) != -want {
			t.Fatalf("Compare(%s, %s) = %d, want %d", b, a, got, -want)
		}
		if Compare(a, a) != 0 {
			t.Fatalf("%s is not itself", a)
		}
		if got := bytes.Compare(AppendOrdered(nil, a), AppendOrdered(nil, b)); got != want {
			t.Fatalf("ordered %s and %s: %d, want %d", a, b, got, want)
		}
	})
}

func TestNumbersCompareExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := randomNumber(t), randomNumber(t)
		a, b := []byte(modelNumber(x)), []byte(modelNumber(y))
		want := x.Cmp(y)
		if got := Compare(a, b); cmp.Compare(got, 0) != want {
			t.Fatalf("Compare(%s, %s) = %d, want %d", a, b, got, want)
		}
		if got := bytes.Compare(AppendOrdered(nil, a), AppendOrdered(nil, b)); got != want {
			t.Fatalf("ordered %s and %s: %d, want %d", a, b, got, want)
		}
	})
}

// Sequences sort element by element, and a missing element is an element too.
func TestAppendOrderedConcatenates(t *testing.T) {
	draw := func(t *rapid.T) (list []any, encoded []byte) {
		for range rapid.IntRange(0, 4).Draw(t, "length") {
			if rapid.IntRange(0, 4).Draw(t, "missing") == 0 {
				list = append(list, missing{})
				encoded = AppendOrdered(encoded, nil)
				continue
			}
			v := randomValue(t, 2)
			list = append(list, v)
			encoded = AppendOrdered(encoded, []byte(modelText(v)))
		}
		return list, encoded
	}
	rapid.Check(t, func(t *rapid.T) {
		a, encodedA := draw(t)
		b, encodedB := draw(t)
		if len(a) != len(b) { // an index has as many columns for each entry
			n := min(len(a), len(b))
			a, b = a[:n], b[:n]
			encodedA, encodedB = encodeAll(a), encodeAll(b)
		}
		want := 0
		for i := range a {
			if want = compareMissing(a[i], b[i]); want != 0 {
				break
			}
		}
		if got := bytes.Compare(encodedA, encodedB); got != cmp.Compare(want, 0) {
			t.Fatalf("%v and %v: %d, want %d", a, b, got, want)
		}
	})
}

func TestAppendOrderedIsPrefixFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := randomValue(t, 2), randomValue(t, 2)
		a, b := AppendOrdered(nil, []byte(modelText(x))), AppendOrdered(nil, []byte(modelText(y)))
		if modelCompare(x, y) != 0 && (bytes.HasPrefix(a, b) || bytes.HasPrefix(b, a)) {
			t.Fatalf("%s is %x, %s is %x", modelText(x), a, modelText(y), b)
		}
	})
}

func TestAppendOrderedAppends(t *testing.T) {
	if got := AppendOrdered([]byte("x"), []byte("null")); string(got) != "x\x02" {
		t.Errorf("%q", got)
	}
}

type missing struct{}

func compareMissing(a, b any) int {
	_, noA := a.(missing)
	_, noB := b.(missing)
	switch {
	case noA && noB:
		return 0
	case noA:
		return -1
	case noB:
		return 1
	default:
		return modelCompare(a, b)
	}
}

func encodeAll(list []any) (encoded []byte) {
	for _, v := range list {
		if _, ok := v.(missing); ok {
			encoded = AppendOrdered(encoded, nil)
			continue
		}
		encoded = AppendOrdered(encoded, []byte(modelText(v)))
	}
	return encoded
}
