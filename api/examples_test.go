package api_test

import (
	"fmt"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestBodiesHaveExamplesThatAreTrue(t *testing.T) {
	doc := loadContract(t)
	n := 0
	for name, body := range bodies(doc) {
		n++
		examples := map[string]any{}
		if body.Example != nil {
			examples["example"] = body.Example
		}
		for key, example := range body.Examples {
			examples[key] = example.Value.Value
		}
		if len(examples) == 0 {
			t.Errorf("%s has no example", name)
		}
		for key, example := range examples {
			if err := body.Schema.Value.VisitJSON(example, openapi3.MultiErrors(), openapi3.EnableFormatValidation()); err != nil {
				t.Errorf("%s: %s: %v", name, key, err)
			}
			for _, unknown := range undeclared("", body.Schema.Value, example) {
				t.Errorf("%s: %s: %s is not in the schema", name, key, unknown)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d bodies were found", n)
	}
}

// undeclared lists the fields of an example that its schema does not have. A
// schema of an answer is open, so that it can grow; an example of it is not.
func undeclared(at string, schema *openapi3.Schema, example any) []string {
	var unknown []string
	switch example := example.(type) {
	case map[string]any:
		if len(schema.Properties) == 0 || schema.AdditionalProperties.Schema != nil || schema.AdditionalProperties.Has != nil && *schema.AdditionalProperties.Has {
			return nil
		}
		for name, value := range example {
			property, ok := schema.Properties[name]
			if !ok {
				unknown = append(unknown, at+"/"+name)
				continue
			}
			unknown = append(unknown, undeclared(at+"/"+name, property.Value, value)...)
		}
	case []any:
		if schema.Items == nil {
			return nil
		}
		for i, value := range example {
			unknown = append(unknown, undeclared(fmt.Sprint(at, "/", i), schema.Items.Value, value)...)
		}
	}
	return unknown
}

func TestParametersAreDescribed(t *testing.T) {
	doc := loadContract(t)
	described := func(place string, parameter openapi3.Parameter) {
		if parameter.Description == "" {
			t.Errorf("%s has no description", place)
		}
		if parameter.Example == nil {
			return
		}
		if err := parameter.Schema.Value.VisitJSON(parameter.Example, openapi3.EnableFormatValidation()); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	// The reading page fills examples in, so a request can be tried at once:
	// what is required needs one, and what is optional must stay out.
	filledIn := func(place string, parameter *openapi3.Parameter) {
		described(place, *parameter)
		example := parameter.Example != nil || parameter.Schema.Value.Example != nil
		if example != parameter.Required {
			t.Errorf("%s: required is %t, but whether it has an example is %t", place, parameter.Required, example)
		}
	}
	for name, ref := range doc.Components.Parameters {
		filledIn("parameter "+name, ref.Value)
	}
	for name, op := range operations(doc) {
		for _, ref := range op.Parameters {
			filledIn(name+" "+ref.Value.Name, ref.Value)
		}
	}
	for name, ref := range doc.Components.Headers {
		described("header "+name, ref.Value.Parameter)
		if ref.Value.Example == nil {
			t.Errorf("header %s has no example", name)
		}
	}
}
