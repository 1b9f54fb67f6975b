package value

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// vectors reads a file of testdata.
func vectors[T any](tb testing.TB, name string) []T {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	var list []T
	if err := json.Unmarshal(data, &list); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	if len(list) == 0 {
		tb.Fatalf("%s has no vectors", name)
	}
	return list
}

// canonical gives the canonical form of a text that must be good; nil stays nil.
func canonical(tb testing.TB, text []byte) []byte {
	tb.Helper()
	if text == nil {
		return nil
	}
	v, err := Parse(text, Limits{})
	if err != nil {
		tb.Fatalf("Parse(%.200q): %v", text, err)
	}
	return v.Data
}
