package value

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// vectors reads a file of testdata.
func vectors[T any](t testing.TB, name string) []T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(list) == 0 {
		t.Fatalf("%s has no vectors", name)
	}
	return list
}

// canonical gives the canonical form of a text that must be good; nil stays nil.
func canonical(t testing.TB, text []byte) []byte {
	t.Helper()
	if text == nil {
		return nil
	}
	v, err := Parse(text, Limits{})
	if err != nil {
		t.Fatalf("Parse(%.200q): %v", text, err)
	}
	return v.Data
}
