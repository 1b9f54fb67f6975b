package storetest

import (
	"embed"
	"encoding/json"
	"fmt"

	"larder/internal/store"
	"larder/internal/value"
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

// QueryVectors are tables of documents, and queries over them with their
// answers.
type QueryVectors struct {
	Sets    map[string][]Document `json:"sets"` // by the name of their table
	Queries []QueryVector         `json:"queries"`
}

// Document is an entry of a table that is queried.
type Document struct {
	Key      string            `json:"key"`
	Value    json.RawMessage   `json:"value"`
	Bytes    *string           `json:"bytes"` // an opaque value, in place of Value
	Metadata map[string]string `json:"metadata"`
	Writes   int               `json:"writes"`    // how often it was written; 0 is once
	TTLHours int               `json:"ttl_hours"` // 0: never expires
}

// QueryVector is a query, and what it finds.
type QueryVector struct {
	Name   string          `json:"name"`
	On     string          `json:"on"` // which set
	Filter json.RawMessage `json:"filter"`
	Sort   []SortVector    `json:"sort"`
	Select []string        `json:"select"`
	Limit  int             `json:"limit"`
	Offset int             `json:"offset"`

	Keys   []string          `json:"keys"`   // what it finds, in order
	Values []json.RawMessage `json:"values"` // what is selected of each; nil: all
	Count  int               `json:"count"`  // how many match, where that is more than Keys
	Code   string            `json:"code"`   // of the error, in place of an answer
}

// SortVector is one sort of a query.
type SortVector struct {
	Path  string `json:"path"`
	Order string `json:"order"`
}

// QueryCases are the vectors for queries.
func QueryCases() QueryVectors { return load[QueryVectors]("queries.json") }

// Query reads the vector's query, on the table of its set.
func (v QueryVector) Query() (store.Query, error) {
	q := store.Query{Table: v.On, Limit: v.Limit, Offset: v.Offset}
	if v.Filter != nil {
		filter, err := value.ParseFilter(v.Filter, value.Limits{})
		if err != nil {
			return q, &store.Error{Code: store.InvalidQuery, Field: "filter", Err: err}
		}
		q.Filter = filter
	}
	for _, s := range v.Sort {
		q.Sort = append(q.Sort, store.Sort{Path: s.Path, Descending: s.Order == "desc"})
	}
	for _, path := range v.Select {
		q.Select = append(q.Select, pointer(path))
	}
	return q, nil
}

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
