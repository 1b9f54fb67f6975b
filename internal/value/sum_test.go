package value

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestAdd(t *testing.T) {
	for _, c := range []struct {
		a, b, sum string
		err       error
	}{
		{"1", "2", "3", nil},
		{"1", "-1", "0", nil},
		{"0", "0", "0", nil},
		{"0.1", "0.2", "0.3", nil},
		{"9007199254740993", "1", "9007199254740994", nil},
		{"999999999999999999", "999999999999999999", "1999999999999999998", nil},
		{"-999999999999999999", "-999999999999999999", "-1999999999999999998", nil},
		{"999999999999999999999", "1", "1e+21", nil},
		{"1e+21", "-1", "999999999999999999999", nil},
		{"1e+21", "1", "1.000000000000000000001e+21", nil},
		{"1.5", "-0.5", "1", nil},
		{"1e-7", "9e-7", "0.000001", nil},
		{"5e-324", "5e-324", "1e-323", nil},
		{"5e-324", "-5e-324", "0", nil},
		{"1.7976931348623157e+308", "-1.7976931348623157e+308", "0", nil},
		{"1.7976931348623157e+308", "1e+300", "", ErrOutOfRange},
		{"-1e+308", "-1e+308", "", ErrOutOfRange},
		{"6e-324", "-5e-324", "", ErrOutOfRange},
		{"1", `"1"`, "", ErrNotNumber},
		{"null", "1", "", ErrNotNumber},
		{"", "1", "", ErrNotNumber},
	} {
		sum, err := Add([]byte(c.a), []byte(c.b))
		if string(sum) != c.sum || !errors.Is(err, c.err) {
			t.Errorf("%s + %s: %s, %v, want %s, %v", c.a, c.b, sum, err, c.sum, c.err)
		}
	}
}

func TestAddKeepsDigits(t *testing.T) {
	sum, err := Add([]byte("1e+308"), []byte("1e-308"))
	if err != nil || len(sum) != len("1.e+308")+616 {
		t.Errorf("%d bytes, %v", len(sum), err)
	}
	long := canonical(t, []byte("1."+string(appendZeros(nil, 700))+"7e308"))
	if _, err := Add(long, []byte("5e-324")); err != nil { // 633 digits before, 702 in all
		t.Error(err)
	}
	tiny := canonical(t, []byte("1."+string(appendZeros(nil, 700))+"7e-300"))
	if _, err := Add(tiny, []byte("1e+300")); !errors.Is(err, ErrOutOfRange) { // 1,302 digits
		t.Error(err)
	}
}

func TestAddIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := randomNumber(t), randomNumber(t)
		want := modelNumber(new(big.Rat).Add(x, y))
		got, err := Add([]byte(modelNumber(x)), []byte(modelNumber(y)))
		_, parseErr := Parse([]byte(want), Limits{})
		switch {
		case parseErr != nil && errors.Is(err, ErrOutOfRange):
		case err != nil || string(got) != want:
			t.Fatalf("%s + %s: %s, %v, want %s", modelNumber(x), modelNumber(y), got, err, want)
		}
	})
}
