package value

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzParse compares what is accepted with jsontext, which holds to RFC 7493 but for
// what is larder's own: U+0000, depth, digits, and float64's range.
func FuzzParse(f *testing.F) {
	type vector struct{ In string }
	for _, c := range vectors[vector](f, "canonical.json") {
		f.Add([]byte(c.In))
	}
	for _, seed := range []string{
		"\"\xff\"", "\"\xed\xa0\x80\"", `"\ud83d\ude00"`, `{"a":1,"\u0061":2}`, `[1.5e300,-0.0,1e-7]`,
		strings.Repeat("[", 129) + strings.Repeat("]", 129), "0." + strings.Repeat("7", 801), "\xef\xbb\xbf1",
		`[12345678901234567890123456789012345678901234567890.25e-20]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		original := bytes.Clone(data)
		v, err := Parse(data, Limits{})
		if !bytes.Equal(data, original) {
			t.Fatal("Parse changed its input")
		}
		reference, why := referenceParse(t, data)
		if (err == nil) != (why == "") {
			t.Fatalf("%q: Parse says %v, the reference %q", data, err, why)
		}
		if err != nil {
			return
		}
		if want := modelText(reference); string(v.Data) != want {
			t.Fatalf("%q: got %s, want %s", data, v.Data, want)
		}
		if again, err := Parse(v.Data, Limits{}); err != nil || !again.Equal(v) {
			t.Fatalf("%s is not canonical: %s, %v", v.Data, again.Data, err)
		}
		if end, height := measure(v.Data, 0); end != len(v.Data) || height > DefaultMaxDepth {
			t.Fatalf("%s: measured %d, %d", v.Data, end, height)
		}
	})
}

// referenceParse gives the model of a text, or says why it must be refused.
func referenceParse(t *testing.T, data []byte) (_ any, why string) {
	t.Helper()
	if len(data) > DefaultMaxBytes {
		return nil, "size"
	}
	d := jsontext.NewDecoder(bytes.NewReader(data))
	v, why := referenceValue(d)
	if why == "" {
		if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
			return nil, "something after"
		}
	}
	return v, why
}

func referenceValue(d *jsontext.Decoder) (any, string) {
	token, err := d.ReadToken()
	if err != nil {
		return nil, err.Error()
	}
	if d.StackDepth() > DefaultMaxDepth {
		return nil, "depth"
	}
	switch token.Kind() {
	case 't', 'f':
		return token.Bool(), ""
	case '"':
		if s := token.String(); !strings.Contains(s, "\x00") {
			return s, ""
		}
		return nil, "NUL"
	case '0':
		return referenceNumber(token.String())
	case '[':
		list := []any{}
		for d.PeekKind() != ']' {
			v, why := referenceValue(d)
			if why != "" {
				return nil, why
			}
			list = append(list, v)
		}
		_, err = d.ReadToken()
		return list, errorText(err)
	case '{':
		object := map[string]any{}
		for d.PeekKind() != '}' {
			name, why := referenceValue(d)
			if why != "" {
				return nil, why
			}
			v, why := referenceValue(d)
			if why != "" {
				return nil, why
			}
			object[name.(string)] = v
		}
		_, err = d.ReadToken()
		return object, errorText(err)
	default:
		return nil, ""
	}
}

func errorText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func referenceNumber(text string) (any, string) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, "over range"
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	digits := strings.Trim(strings.Replace(strings.TrimPrefix(mantissa, "-"), ".", "", 1), "0")
	switch {
	case digits == "":
		return new(big.Rat), ""
	case f == 0:
		return nil, "under range"
	case len(digits) > maxDigits:
		return nil, "digits"
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, "big.Rat refuses " + text
	}
	return r, ""
}

// FuzzPointer looks tokens up in a document, one step at a time and all at once.
func FuzzPointer(f *testing.F) {
	for _, s := range []string{"", "/", "/a", "/a/0/b", "/~0~1", "/~", "/~2", "a", "//", "/-", "/01", "/é/\x00", "/\xff"} {
		f.Add(s, `{"":1,"a":[{"b":2}],"~/":3,"é":{"x":4}}`)
	}
	f.Fuzz(func(t *testing.T, s, doc string) {
		p, err := ParsePointer(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Fatalf("%q became %q", s, p.String())
		}
		v, err := Parse([]byte(doc), Limits{})
		if err != nil {
			return
		}
		step, found := v.Data, true
		for _, token := range p {
			if step, found = (Pointer{token}).Lookup(step); !found {
				break
			}
		}
		got, ok := p.Lookup(v.Data)
		if ok != found || !bytes.Equal(got, step) {
			t.Fatalf("%q in %s: %s, %v; step by step %s, %v", s, doc, got, ok, step, found)
		}
		if set, err := p.Set(v.Data, []byte(`"new"`)); err == nil {
			checkCanonical(t, set)
			if len(p) > 0 && p[len(p)-1] == "-" {
				return // names no place afterwards, in an array
			}
			if got, _ := p.Lookup(set); string(got) != `"new"` {
				t.Fatalf("%q in %s: set %s, found %s", s, doc, set, got)
			}
		} else if found {
			t.Fatalf("%q in %s: found, but %v", s, doc, err)
		}
	})
}

// checkCanonical fails unless text is what Parse would make of it.
func checkCanonical(t interface {
	Helper()
	Fatalf(string, ...any)
}, text []byte,
) {
	t.Helper()
	v, err := Parse(bytes.Clone(text), Limits{MaxBytes: 1 << 30, MaxDepth: 1 << 20})
	if err != nil || !bytes.Equal(v.Data, text) {
		t.Fatalf("not canonical: %q, which is %q, %v", text, v.Data, err)
	}
}

// FuzzJSONPatch compares with the model, and MergePatch with the law of RFC 7396.
func FuzzJSONPatch(f *testing.F) {
	type vector struct {
		Target, Patch jsontext.Value
	}
	for _, file := range []string{"json_patch.json", "merge_patch.json"} {
		for _, c := range vectors[vector](f, file) {
			f.Add([]byte(c.Target), []byte(c.Patch))
		}
	}
	f.Fuzz(func(t *testing.T, target, patch []byte) {
		doc, err := Parse(target, Limits{})
		if err != nil {
			return
		}
		p, err := Parse(patch, Limits{})
		if err != nil {
			return
		}
		lim := Limits{MaxBytes: 4096, MaxDepth: 20}
		if got, err := JSONPatch(doc.Data, p.Data, lim); err == nil {
			checkWithin(t, got, lim)
			checkAgainstModel(t, doc.Data, p.Data, got)
		}
		if got, err := MergePatch(doc.Data, p.Data, lim); err == nil {
			checkWithin(t, got, lim)
			want := modelMerge(modelOf(t, doc.Data), modelOf(t, p.Data))
			if string(got.Data) != modelText(want) {
				t.Fatalf("merge of %s and %s: %s", doc.Data, p.Data, got.Data)
			}
		}
	})
}

func checkWithin(t *testing.T, v Value, lim Limits) {
	t.Helper()
	if again, err := Parse(v.Data, lim); err != nil || !again.Equal(v) {
		t.Fatalf("not within the limits or not canonical: %s: %v", v.Data, err)
	}
}

// modelOf reads a canonical text.
func modelOf(t *testing.T, text []byte) any {
	t.Helper()
	v, why := referenceParse(t, text)
	if why != "" {
		t.Fatalf("%q: %s", text, why)
	}
	return v
}

// FuzzFilter reads both forms of filters, and matches what compiles.
func FuzzFilter(f *testing.F) {
	type vector struct {
		Filter jsontext.Value
		Short  string
	}
	for _, c := range vectors[vector](f, "filters.json") {
		f.Add(string(c.Filter), `{"a":"x%y\nz"}`)
		f.Add(c.Short, `[1,"a"]`)
	}
	f.Fuzz(func(t *testing.T, text, doc string) {
		v, err := Parse([]byte(doc), Limits{})
		if err != nil {
			return
		}
		filter, err := ParseFilter([]byte(text), Limits{})
		if err != nil {
			if filter, err = ParseShort(text); err != nil {
				return
			}
		}
		m, err := Compile(filter)
		if err != nil {
			return
		}
		not, err := Compile(Filter{Not: &filter})
		if err != nil {
			return // one deeper than allowed
		}
		d := entry{value: v.Data}
		if m.Match(d) == not.Match(d) {
			t.Fatalf("%s and its negation agree on %s", text, doc)
		}
	})
}
