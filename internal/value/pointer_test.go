package value

import (
	"errors"
	"slices"
	"testing"
)

func TestParsePointer(t *testing.T) {
	for s, want := range map[string]Pointer{
		"": {}, "/": {""}, "/a": {"a"}, "/a/b": {"a", "b"}, "//": {"", ""}, "/~0": {"~"}, "/~1": {"/"}, "/~01": {"~1"},
		"/~10": {"/0"}, "/~0~1~0": {"~/~"}, "/a%20b": {"a%20b"}, "/é😀": {"é😀"}, "/-": {"-"}, `/"\`: {`"\`},
	} {
		p, err := ParsePointer(s)
		if err != nil || !slices.Equal(p, want) || p == nil {
			t.Errorf("%q: %q, %v, want %q", s, p, err, want)
		}
		if p.String() != s {
			t.Errorf("%q is written %q", s, p.String())
		}
	}
	for _, s := range []string{"a", "a/b", " /a", "#/a", "/~", "/~2", "/a~", "/~0~", "/~~0", "/a/~x/b", "/\xff"} {
		p, err := ParsePointer(s)
		if _, ok := errors.AsType[*PointerError](err); !ok || p != nil {
			t.Errorf("%q: %q, %v", s, p, err)
		}
	}
}

// The examples of RFC 6901, section 5, and more.
func TestLookup(t *testing.T) {
	const doc = `{"":0,"\n":10," ":7,"a/b":1,"arr":[[],{"x":[1,2,{"y":"]}"}]},"s"],"c%d":2,"e^f":3,"foo":["bar","baz"],"g|h":4,"i\\j":5,"k\"l":6,"m~n":8,"null":null,"z":{"q":"\"}{"}}`
	for path, want := range map[string]string{
		"": doc, "/foo": `["bar","baz"]`, "/foo/0": `"bar"`, "/": "0", "/a~1b": "1", "/c%d": "2", "/e^f": "3", "/g|h": "4",
		`/i\j`: "5", `/k"l`: "6", "/m~0n": "8", "/\n": "10",
		"/arr/0": "[]", "/arr/1/x/2/y": `"]}"`, "/arr/2": `"s"`, "/null": "null", "/z/q": `"\"}{"`,
		"/foo/2": "", "/foo/-": "", "/foo/00": "", "/foo/+1": "", "/foo/1e0": "", "/foo/9999999999": "", "/foo/": "", "/foo/bar": "",
		"/fo": "", "/fooo": "", "/zz": "", "/null/a": "", "/foo/0/0": "", "/arr/0/0": "", `/k\"l`: "",
	} {
		p, err := ParsePointer(path)
		if err != nil {
			t.Fatal(err)
		}
		got, found := p.Lookup(canonical(t, []byte(doc)))
		if string(got) != want || found != (want != "") {
			t.Errorf("%q: %s, %v, want %s", path, got, found, want)
		}
	}
	if got, _ := (Pointer{" "}).Lookup([]byte(doc)); string(got) != "7" {
		t.Errorf("at a space: %s", got)
	}
	if got, found := (Pointer{}).Lookup(nil); found {
		t.Errorf("found %q in nothing", got)
	}
	if got, found := (Pointer{"a"}).Lookup([]byte("1")); found {
		t.Errorf("found %q in a number", got)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	doc := canonical(t, []byte(`{"a":[{"b\n":1,"c":"x"}],"b":{"a long name that does not fit a small buffer":2}}`))
	for _, path := range []string{"/a/0/c", "/a/0/b\n", "/b/a long name that does not fit a small buffer", "/nowhere"} {
		p, err := ParsePointer(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { p.Lookup(doc) }); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

func TestSet(t *testing.T) {
	for _, c := range []struct{ doc, path, want string }{
		{`1`, "", `"v"`},
		{`{}`, "/a", `{"a":"v"}`},
		{`{"a":1}`, "/a", `{"a":"v"}`},
		{`{"a":1,"c":2}`, "/b", `{"a":1,"b":"v","c":2}`},
		{`{"b":1}`, "/a", `{"a":"v","b":1}`},
		{`{"b":1}`, "/c", `{"b":1,"c":"v"}`},
		{`{"#":1}`, `/"`, `{"\"":"v","#":1}`},
		{`{"a":{"b":[1,{"c":2}]}}`, "/a/b/1/c", `{"a":{"b":[1,{"c":"v"}]}}`},
		{`{"a":{"b":[1,{"c":2}]}}`, "/a/b/0", `{"a":{"b":["v",{"c":2}]}}`},
		{`[]`, "/-", `["v"]`},
		{`[1]`, "/-", `[1,"v"]`},
		{`{"":{}}`, "//", `{"":{"":"v"}}`},
		{`[1]`, "/1", ""},
		{`[1]`, "/a", ""},
		{`{}`, "/a/b", ""},
		{`{"a":1}`, "/a/b", ""},
		{`{"a":[]}`, "/a/-/b", ""},
		{`1`, "/a", ""},
		{`{}`, "/a\x00", ""},
	} {
		p, err := ParsePointer(c.path)
		if err != nil {
			t.Fatal(err)
		}
		doc := []byte(c.doc)
		got, err := p.Set(doc, []byte(`"v"`))
		if _, refused := errors.AsType[*PointerError](err); string(got) != c.want || refused != (c.want == "") {
			t.Errorf("%s at %q: %s, %v, want %s", c.doc, c.path, got, err, c.want)
		}
		if string(doc) != c.doc {
			t.Errorf("%s became %s", c.doc, doc)
		}
	}
	if _, err := (Pointer{"\xff"}).Set([]byte("{}"), []byte("1")); err == nil {
		t.Error("a name that is not UTF-8 was set")
	}
}
