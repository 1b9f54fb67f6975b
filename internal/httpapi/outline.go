package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"

	"larder/api"
)

// outline is what routing needs of the contract. Reading all of it, schemas
// and examples, would take longer than everything else at start, and several
// times the memory.
type outline struct {
	Paths      map[string]outlinePath `json:"paths"`
	Components struct {
		Parameters map[string]outlineParameter `json:"parameters"`
		Schemas    map[string]outlineSchema    `json:"schemas"`
	} `json:"components"`
}

type outlinePath struct {
	Parameters []outlineParameter `json:"parameters"`
	Get        *outlineOperation  `json:"get"`
	Head       *outlineOperation  `json:"head"`
	Post       *outlineOperation  `json:"post"`
	Put        *outlineOperation  `json:"put"`
	Patch      *outlineOperation  `json:"patch"`
	Delete     *outlineOperation  `json:"delete"`
}

type outlineOperation struct {
	OperationID string             `json:"operationId"`
	Parameters  []outlineParameter `json:"parameters"`
	Responses   map[string]struct {
		Content map[string]struct{} `json:"content"`
	} `json:"responses"`
}

type outlineParameter struct {
	Ref    string        `json:"$ref"`
	Name   string        `json:"name"`
	In     string        `json:"in"`
	Schema outlineSchema `json:"schema"`
}

type outlineSchema struct {
	Ref    string `json:"$ref"`
	Type   string `json:"type"`
	Format string `json:"format"`
}

func readOutline() (*outline, error) {
	text, err := api.GetSpecJSON()
	if err != nil {
		return nil, fmt.Errorf("read the embedded contract: %w", err)
	}
	var o outline
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("read the embedded contract: %w", err)
	}
	return &o, nil
}

func (p outlinePath) operations() map[string]*outlineOperation {
	all := map[string]*outlineOperation{
		http.MethodGet: p.Get, http.MethodHead: p.Head, http.MethodPost: p.Post,
		http.MethodPut: p.Put, http.MethodPatch: p.Patch, http.MethodDelete: p.Delete,
	}
	for method, op := range all {
		if op == nil {
			delete(all, method)
		}
	}
	return all
}

// streams says whether the operation has an answer that goes on and on.
func (op *outlineOperation) streams() bool {
	content := op.Responses["200"].Content
	_, events := content[eventStreamType]
	_, lines := content[linesType]
	return events || lines
}

// parameter follows a reference to one of the shared parameters.
func (o *outline) parameter(p outlineParameter) outlineParameter {
	if p.Ref != "" {
		return o.Components.Parameters[path.Base(p.Ref)]
	}
	return p
}

func (o *outline) isArray(p outlineParameter) bool {
	if p.Schema.Ref != "" {
		return o.Components.Schemas[path.Base(p.Schema.Ref)].Type == "array"
	}
	return p.Schema.Type == "array"
}
