package storetest

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed testdata/*.json
var testdata embed.FS

// PatchVector is a patch, what it is applied to, and what comes of it.
type PatchVector struct {
	Name  string          `json:"name"`
	Type  string          `json:"type"`  // merge or json
	Doc   json.RawMessage `json:"doc"`   // nil: there is no entry, or Bytes is its value
	Bytes *string         `json:"bytes"` // an opaque value
	Patch json.RawMessage `json:"patch"`
	Want  json.RawMessage `json:"want"`
	Code  string          `json:"code"` // of the error, in place of Want
}

// PatchVectors are the vectors for RFC 7396 and RFC 6902.
func PatchVectors() []PatchVector { return load[[]PatchVector]("patches.json") }

// load reads a file of vectors. That it can is tested.
func load[T any](name string) T {
	var vectors T
	data, err := testdata.ReadFile("testdata/" + name)
	if err == nil {
		err = json.Unmarshal(data, &vectors)
	}
	if err != nil {
		panic(fmt.Sprintf("the vectors in %s: %v", name, err))
	}
	return vectors
}
