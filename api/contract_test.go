package api_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"mime"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"

	"larder"
	"larder/api"
)

func loadContract(tb testing.TB) *openapi3.T {
	tb.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(larder.OpenAPI())
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

// operations goes through a contract's operations, named by method and path.
func operations(doc *openapi3.T) iter.Seq2[string, *openapi3.Operation] {
	return func(yield func(string, *openapi3.Operation) bool) {
		for _, path := range doc.Paths.InMatchingOrder() {
			for method, op := range doc.Paths.Value(path).Operations() {
				if !yield(method+" "+path, op) {
					return
				}
			}
		}
	}
}

// bodies goes through what travels in a contract's operations, in requests and
// in answers.
func bodies(doc *openapi3.T) iter.Seq2[string, *openapi3.MediaType] {
	return func(yield func(string, *openapi3.MediaType) bool) {
		for name, op := range operations(doc) {
			contents := map[string]openapi3.Content{}
			if op.RequestBody != nil {
				contents["request"] = op.RequestBody.Value.Content
			}
			for status, response := range op.Responses.Map() {
				contents[status] = response.Value.Content
			}
			for where, content := range contents {
				for mediaType, body := range content {
					if !yield(fmt.Sprintf("%s: %s %s", name, where, mediaType), body) {
						return
					}
				}
			}
		}
	}
}

func TestContractIsValid(t *testing.T) {
	doc := loadContract(t)
	if doc.OpenAPI != "3.0.3" {
		t.Errorf("it is OpenAPI %s", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestContractIsWhatTheCodeWasGeneratedFrom(t *testing.T) {
	text, err := yaml.YAMLToJSON(larder.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := api.GetSpecJSON()
	if err != nil {
		t.Fatal(err)
	}
	var written, generated map[string]any
	if err := json.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(embedded, &generated); err != nil {
		t.Fatal(err)
	}
	if security, ok := written["security"].([]any); ok && len(security) == 0 {
		delete(written, "security") // an empty one says nothing, and the generator drops it
	}
	if !reflect.DeepEqual(written, generated) {
		t.Error("openapi.yaml has changed since api/ was generated: go generate ./api")
	}
}

func TestOperationsAreNamedAndTagged(t *testing.T) {
	doc := loadContract(t)
	verbNoun := regexp.MustCompile(`^(get|head|list|put|patch|delete|increment|query|count|apply|run|cancel|promote|compare|copy|verify|replay)([A-Z][a-z]+)+$`)
	var tags []string
	for _, tag := range doc.Tags {
		tags = append(tags, tag.Name)
	}
	seen := map[string]string{}
	for name, op := range operations(doc) {
		if !verbNoun.MatchString(op.OperationID) {
			t.Errorf("%s: operationId %q is no verb and noun", name, op.OperationID)
		}
		if other, ok := seen[op.OperationID]; ok {
			t.Errorf("%s and %s are both %s", name, other, op.OperationID)
		}
		seen[op.OperationID] = name
		if len(op.Tags) != 1 || !slices.Contains(tags, op.Tags[0]) {
			t.Errorf("%s: tags %q", name, op.Tags)
		}
		if op.Summary == "" || op.Description == "" {
			t.Errorf("%s lacks a summary or a description", name)
		}
	}
	if len(seen) < 35 {
		t.Errorf("only %d operations were found", len(seen))
	}
}

func TestContractHasNoUnions(t *testing.T) {
	var doc any
	if err := yaml.Unmarshal(larder.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(at string, node any)
	walk = func(at string, node any) {
		switch node := node.(type) {
		case map[string]any:
			for name, child := range node {
				if name == "oneOf" || name == "anyOf" || name == "allOf" {
					t.Errorf("%s/%s", at, name)
				}
				walk(at+"/"+name, child)
			}
		case []any:
			for i, child := range node {
				walk(fmt.Sprint(at, "/", i), child)
			}
		}
	}
	walk("", doc)
}

func TestObjectsHaveNames(t *testing.T) {
	doc := loadContract(t)
	for place, ref := range schemaPlaces(doc) {
		if ref.Ref == "" && (ref.Value.Type.Is("object") || len(ref.Value.Properties) > 0) {
			t.Errorf("%s: an object without a name", place)
		}
	}
}

// schemaPlaces goes through all places of a contract where a schema is used,
// other than its definition under a name.
func schemaPlaces(doc *openapi3.T) iter.Seq2[string, *openapi3.SchemaRef] {
	return func(yield func(string, *openapi3.SchemaRef) bool) {
		more := true
		visit := func(place string, ref *openapi3.SchemaRef) {
			if more && ref != nil {
				more = yield(place, ref)
			}
		}
		inside := func(place string, schema *openapi3.Schema) {
			for name, property := range schema.Properties {
				visit(place+"."+name, property)
				visit(place+"."+name+"[]", property.Value.Items)
			}
			visit(place+"[]", schema.Items)
			visit(place+".*", schema.AdditionalProperties.Schema)
		}
		for name, ref := range doc.Components.Schemas {
			inside(name, ref.Value)
		}
		for name, ref := range doc.Components.Headers {
			visit("header "+name, ref.Value.Schema)
		}
		for name, op := range operations(doc) {
			for _, parameter := range op.Parameters {
				visit(name+" "+parameter.Value.Name, parameter.Value.Schema)
			}
		}
		for _, ref := range doc.Components.Parameters {
			visit("parameter "+ref.Value.Name, ref.Value.Schema)
		}
		for name, body := range bodies(doc) {
			visit(name, body.Schema)
		}
	}
}

func TestErrorsAreProblems(t *testing.T) {
	doc := loadContract(t)
	problem := doc.Components.Schemas["Problem"].Value
	for name, op := range operations(doc) {
		responses := op.Responses.Map()
		if responses["default"] == nil || responses["400"] == nil {
			t.Errorf("%s has no default answer, or none for a malformed request", name)
		}
		for status, response := range responses {
			if status != "default" && status < "400" {
				continue
			}
			if op.OperationID == "getHealth" && status == "503" {
				continue // says the same as its 200: a monitor wants to know why
			}
			content := response.Value.Content
			body := content["application/problem+json"]
			if len(content) != 1 || body == nil || body.Schema.Value != problem {
				t.Errorf("%s: %s is not one application/problem+json", name, status)
			}
			if response.Ref == "" {
				t.Errorf("%s: %s is not shared", name, status)
			}
		}
	}
}

func TestProblemCodesAreListed(t *testing.T) {
	doc := loadContract(t)
	listed := map[string]bool{} // whether an answer names it
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [0-9, ]+ \\| ").FindAllStringSubmatch(doc.Info.Description, -1) {
		listed[row[1]] = false
	}
	if len(listed) < 35 {
		t.Fatalf("only %d codes are listed", len(listed))
	}
	code := regexp.MustCompile("`([a-z]+_[a-z_]+|busy|timeout|stopping|unavailable|unsupported|internal|compacted)`")
	for name, ref := range doc.Components.Responses {
		body := ref.Value.Content["application/problem+json"]
		if body == nil {
			continue
		}
		named := code.FindAllStringSubmatch(*ref.Value.Description, -1)
		for _, match := range named {
			if match[1] == "current_version" {
				continue
			}
			if _, ok := listed[match[1]]; !ok {
				t.Errorf("the answer %s names %s, which is not listed", name, match[1])
			}
			listed[match[1]] = true
		}
		var example api.Problem
		text, err := json.Marshal(body.Example)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &example); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(named, func(match []string) bool { return match[1] == example.Code }) {
			t.Errorf("the answer %s has an example of %s, which its description does not name", name, example.Code)
		}
		if !strings.HasSuffix(example.Type, "#"+example.Code) {
			t.Errorf("the answer %s has an example of type %s", name, example.Type)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		if !listed[name] {
			t.Errorf("no answer names %s", name)
		}
	}
}

func TestRequestEnvelopesAreClosed(t *testing.T) {
	doc := loadContract(t)
	step := doc.Components.Schemas["JSONPatchOperation"].Value // RFC 6902: unknown members are ignored
	seen := map[*openapi3.Schema]bool{}
	var walk func(place string, schema *openapi3.Schema)
	walk = func(place string, schema *openapi3.Schema) {
		if seen[schema] {
			return
		}
		seen[schema] = true
		more := schema.AdditionalProperties
		if schema.Type.Is("object") && schema != step && more.Schema == nil && (more.Has == nil || *more.Has) {
			t.Errorf("%s takes fields it does not know", place)
		}
		for name, property := range schema.Properties {
			walk(place+"."+name, property.Value)
		}
		if schema.Items != nil {
			walk(place+"[]", schema.Items.Value)
		}
	}
	n := 0
	for name, op := range operations(doc) {
		if op.RequestBody == nil {
			continue
		}
		n++
		for mediaType, body := range op.RequestBody.Value.Content {
			if base, _, err := mime.ParseMediaType(mediaType); err != nil || !strings.HasSuffix(base, "json") {
				continue
			}
			walk(name, body.Schema.Value)
		}
	}
	if n < 11 {
		t.Errorf("only %d requests with a body were found", n)
	}
}
