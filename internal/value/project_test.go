package value

import "testing"

func TestProject(t *testing.T) {
	const doc = `{"a":1,"b":{"c":[10,{"d":2,"e":3},[5,6]],"f":null},"g\"":"x","h":[]}`
	for _, c := range []struct {
		paths []string
		want  string
	}{
		{[]string{"/a"}, `{"a":1}`},
		{[]string{"/h", "/a"}, `{"a":1,"h":[]}`},
		{[]string{"/b/f"}, `{"b":{"f":null}}`},
		{[]string{`/g"`}, `{"g\"":"x"}`},
		{[]string{"/b/c/1/d"}, `{"b":{"c":[{"d":2}]}}`},
		{[]string{"/b/c/2/1", "/b/c/0"}, `{"b":{"c":[10,[6]]}}`},
		{[]string{"/b/c/2", "/b/c/2/0"}, `{"b":{"c":[[5,6]]}}`},
		{[]string{"/b", "/b/c/0"}, `{"b":{"c":[10,{"d":2,"e":3},[5,6]],"f":null}}`},
		{[]string{"/b/c/9", "/b/c/-", "/b/x", "/a/x", "/b/c/00"}, `{}`},
		{[]string{"/b/c/9", "/a"}, `{"a":1}`},
		{[]string{"/0", "/nowhere"}, `{}`},
		{[]string{"/a", "/a"}, `{"a":1}`},
		{[]string{""}, doc},
		{[]string{"", "/a"}, doc},
		{nil, `{}`},
	} {
		checkProject(t, doc, c.paths, c.want)
	}
	checkProject(t, `[1,2,3,4,5,6,7,8,9,10,11]`, []string{"/10", "/9", "/1"}, `[2,10,11]`)
	checkProject(t, `[1]`, []string{"/a"}, `{}`)
	checkProject(t, `5`, []string{"/a"}, `{}`)
	checkProject(t, `5`, []string{""}, `5`)
	checkProject(t, `{"0":{"x":1},"10":2,"9":3}`, []string{"/10", "/9", "/0/y"}, `{"10":2,"9":3}`)
	if got := Project(nil, nil); string(got) != "{}" {
		t.Errorf("of nothing: %s", got)
	}
}

func checkProject(t *testing.T, doc string, paths []string, want string) {
	t.Helper()
	var list []Pointer
	for _, path := range paths {
		p, err := ParsePointer(path)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	got := Project([]byte(doc), list)
	if string(got) != want {
		t.Errorf("%q of %s: %s, want %s", paths, doc, got, want)
	}
	checkCanonical(t, got)
}
