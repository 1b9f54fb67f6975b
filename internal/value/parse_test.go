package value

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseVectors(t *testing.T) {
	type vector struct {
		Name, In, Out, Pointer string
		Offset                 int
	}
	for _, c := range vectors[vector](t, "canonical.json") {
		t.Run(c.Name, func(t *testing.T) {
			in := []byte(c.In)
			v, err := Parse(in, Limits{})
			if c.Out == "" {
				checkSyntaxError(t, err, c.Pointer, c.Offset)
				return
			}
			if err != nil || string(v.Data) != c.Out || v.Encoding != JSON {
				t.Fatalf("got %s, %v, want %s", v.Data, err, c.Out)
			}
			if string(in) != c.In {
				t.Error("Parse changed its input")
			}
		})
	}
}

func checkSyntaxError(t *testing.T, err error, pointer string, offset int) {
	t.Helper()
	syntax, ok := errors.AsType[*SyntaxError](err)
	if !ok {
		t.Fatalf("got %v, want a SyntaxError", err)
	}
	if syntax.Pointer != pointer || syntax.Offset != offset {
		t.Errorf("got pointer %q, offset %d, want %q, %d (%v)", syntax.Pointer, syntax.Offset, pointer, offset, err)
	}
	if syntax.Detail == "" || !strings.Contains(err.Error(), syntax.Detail) {
		t.Errorf("the error says %q, the detail is %q", err, syntax.Detail)
	}
}

func TestParseRefusesBadUTF8(t *testing.T) {
	for _, bad := range []string{"\x80", "\xff", "\xc3", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"} {
		_, err := Parse([]byte(`["é","`+bad+`"]`), Limits{})
		checkSyntaxError(t, err, "/1", 7)
		_, err = Parse([]byte(`{"`+bad+`":1}`), Limits{})
		checkSyntaxError(t, err, "", 2)
	}
	for _, start := range []string{"\xff\xfe1\x00", "\x00\x31"} { // UTF-16
		if _, err := Parse([]byte(start), Limits{}); err == nil {
			t.Errorf("%q was accepted", start)
		}
	}
}

func TestParseDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`[{"a":`, n/2) + "1" + strings.Repeat(`}]`, n/2) }
	if _, err := Parse([]byte(nested(128)), Limits{}); err != nil {
		t.Error(err)
	}
	_, err := Parse([]byte("["+nested(128)+"]"), Limits{})
	checkSyntaxError(t, err, "/0"+strings.Repeat("/0/a", 63)+"/0", 1+6*63+1)
	if _, err := Parse([]byte(`[[]]`), Limits{MaxDepth: 2}); err != nil {
		t.Error(err)
	}
	_, err = Parse([]byte(`{"x":[1,{}]}`), Limits{MaxDepth: 2})
	checkSyntaxError(t, err, "/x/1", 8)
	if _, err := Parse([]byte(`1`), Limits{MaxDepth: 1}); err != nil {
		t.Error(err)
	}
}

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  int
		size int // 0: accepted
	}{
		{`"12345678"`, 10, 0},
		{`"123456789"`, 10, 11},
		{` "12345678"`, 10, 11}, // as it came
		{`[1e9,0]`, 10, 11},     // in canonical form: 1000000000
		{`[1e5,0]`, 10, 0},
		{`[[1e9]]`, 13, 14},
		{`[` + strings.Repeat("1e20,", 1000) + `0]`, 5010, 5011},
	} {
		_, err := Parse([]byte(c.in), Limits{MaxBytes: c.max})
		tooLarge, ok := errors.AsType[*TooLargeError](err)
		switch {
		case c.size == 0 && err != nil:
			t.Errorf("%.20s at most %d: %v", c.in, c.max, err)
		case c.size > 0 && (!ok || tooLarge.Max != c.max || tooLarge.Size <= c.max):
			t.Errorf("%.20s at most %d: %v", c.in, c.max, err)
		}
	}
	huge := []byte(`"` + strings.Repeat("x", DefaultMaxBytes) + `"`)
	if _, err := Parse(huge, Limits{}); err == nil {
		t.Error("the default limit let more than a MiB through")
	}
	if _, err := Parse(huge[2:], Limits{}); err == nil {
		t.Error("an unfinished string was accepted")
	}
	if _, err := Parse(append(huge[2:len(huge):len(huge)], '1')[1:], Limits{}); err == nil {
		t.Error("accepted")
	}
}

func TestParseDigits(t *testing.T) {
	digits := strings.Repeat("123456789", 89)[:799] // 799, the last is 7
	for _, c := range []struct {
		in string
		ok bool
	}{
		{"0." + digits + "1", true},
		{"0." + digits + "11", false},
		{"0." + digits + "1" + strings.Repeat("0", 5000), true},
		{"0." + strings.Repeat("0", 300) + digits + "1", true},
		{"1" + strings.Repeat("0", 308), true},
		{"1" + strings.Repeat("0", 309), false},
		{"1" + strings.Repeat("0", 100_000) + "e-100000", true},
		{"0." + strings.Repeat("0", 100_000) + "1e100000", true},
		{"0." + strings.Repeat("0", 100_000) + "1", false},
		{"0." + strings.Repeat("0", 100_000), true},
	} {
		v, err := Parse([]byte(c.in), Limits{})
		if (err == nil) != c.ok {
			t.Errorf("%.30s (%d bytes): %v", c.in, len(c.in), err)
		}
		if len(v.Data) > maxDigits+10 {
			t.Errorf("%.30s: canonical form has %d bytes", c.in, len(v.Data))
		}
	}
}

func TestParseAliasesCanonicalText(t *testing.T) {
	text := []byte(" {\"a\":[1,-2.5,true,null,\"x\\ny\u00e9\"],\"b\":{}}\n")
	v, err := Parse(text, Limits{})
	if err != nil || &v.Data[0] != &text[1] || len(v.Data) != len(text)-2 || cap(v.Data) != len(v.Data) {
		t.Fatalf("%s, %v", v.Data, err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = Parse(text, Limits{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSyntaxErrorPointerIsBounded(t *testing.T) {
	name := strings.Repeat("n", 400)
	text := `{"` + name + `":{"` + name + `":{"` + name + `":{"` + name + `":x}}}}`
	_, err := Parse([]byte(text), Limits{})
	checkSyntaxError(t, err, "/"+name+"/"+name, len(text)-5)
}

// TestParseHostileInputIsLinear would run for minutes if anything were quadratic.
func TestParseHostileInputIsLinear(t *testing.T) {
	var names, sorted, equal strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&names, `"%05d":0,`, (i*7919)%100_000)
		fmt.Fprintf(&sorted, `"%05d":0,`, i)
	}
	for range 50_000 {
		equal.WriteString(`"":{},`)
	}
	long := strings.Repeat("x", 100)
	var prefixes strings.Builder
	for i := range 8_000 {
		fmt.Fprintf(&prefixes, `"%s%05d":0,`, long, 8_000-i)
	}
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"names in disorder":    {"{" + names.String() + `"x":0}`, true},
		"names in order":       {"{" + sorted.String() + `"x":0}`, true},
		"one name in disorder": {"{" + sorted.String() + `"!":0}`, true},
		"equal names":          {"{" + equal.String() + `"x":0}`, false},
		"long common prefixes": {"{" + prefixes.String() + `"x":0}`, true},
		"backslashes":          {`"` + strings.Repeat(`\\`, 500_000) + `"`, true},
		"backslash and quote":  {`[` + strings.Repeat(`"\\\"",`, 100_000) + `"\/"]`, true},
		"open brackets":        {strings.Repeat("[", 1_000_000), false},
		"open objects":         {strings.Repeat(`{"":`, 250_000), false},
		"digits":               {strings.Repeat("1", 1_000_000), false},
		"tiny numbers":         {"[" + strings.Repeat("1,", 500_000) + "1]", true},
		"numbers that expand":  {"[" + strings.Repeat("1e20,", 200_000) + "1]", false},
		"escapes":              {`"` + strings.Repeat(`\u0061`, 170_000) + `"`, true},
		"disorder in depth":    {strings.Repeat(`{"b":1,"a":`, 127) + "{" + names.String()[:500_000-1] + "}" + strings.Repeat("}", 127), true},
	} {
		start := time.Now()
		_, err := Parse([]byte(c.text), Limits{})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}

func TestParseIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := randomText(t, randomValue(t, 4))
		v, err := Parse([]byte(text), Limits{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := Parse(v.Data, Limits{})
		if err != nil || !bytes.Equal(again.Data, v.Data) || &again.Data[0] != &v.Data[0] {
			t.Fatalf("%s: canonical %s, and of that %s, %v", text, v.Data, again.Data, err)
		}
	})
}

func TestParseOfEqualValuesIsEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := randomValue(t, 4)
		a, b := randomText(t, v), randomText(t, v)
		x, errX := Parse([]byte(a), Limits{})
		y, errY := Parse([]byte(b), Limits{})
		if errX != nil || errY != nil || !x.Equal(y) {
			t.Fatalf("%s is %s, %v\n%s is %s, %v", a, x.Data, errX, b, y.Data, errY)
		}
		if c := Compare(x.Data, y.Data); c != 0 {
			t.Fatalf("Compare gives %d", c)
		}
		if want := modelText(v); want != string(x.Data) {
			t.Fatalf("%s is %s, the model says %s", a, x.Data, want)
		}
	})
}
