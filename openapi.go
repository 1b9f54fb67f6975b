// Package larder holds the HTTP contract as it is written. The gateway that
// keeps it is cmd/larder; package api is the contract as Go.
//
//	os.Stdout.Write(larder.OpenAPI())
package larder

import (
	_ "embed" // for the contract
	"slices"
)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI gives the contract, OpenAPI 3.0.3 as YAML, comments included.
// Package api has it as compact JSON: api.GetSpecJSON.
func OpenAPI() []byte { return slices.Clone(openAPI) }
