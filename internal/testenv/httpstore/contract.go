package httpstore

import (
	"net/http"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/content"
	"github.com/pb33f/libopenapi-validator/helpers"
	"github.com/pb33f/libopenapi-validator/paths"
	"github.com/pb33f/libopenapi-validator/radix"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"larder"
)

// contract is openapi.yaml, ready to be held against exchanges.
type contract struct {
	model     *v3.Document
	options   *config.ValidationOptions
	validator validator.Validator
	headers   map[string]bool
}

// loadContract reads the contract once for all tests.
var loadContract = sync.OnceValues(func() (*contract, error) {
	text, err := closed(larder.OpenAPI())
	if err != nil {
		return nil, err
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return nil, err
	}
	options := []config.Option{
		config.WithFormatAssertions(), config.WithoutSecurityValidation(), config.WithRejectUndeclaredRequestBody(),
		config.WithBodyDecoder("application/x-ndjson", content.JSONDecoder()),
		// Without these two, each exchange compiles a regular expression for
		// each path of the contract, which takes longer than all else.
		config.WithPathTree(radix.BuildPathTree(&model.Model)), config.WithRegexCache(new(sync.Map)),
	}
	c := &contract{
		model: &model.Model, options: config.NewValidationOptions(options...),
		validator: validator.NewValidatorFromV3Model(&model.Model, options...),
		headers:   make(map[string]bool),
	}
	for _, item := range model.Model.Paths.PathItems.FromOldest() {
		for _, operation := range item.GetOperations().FromOldest() {
			for _, answer := range operation.Responses.Codes.FromOldest() {
				for name := range answer.Headers.FromOldest() {
					c.headers[http.CanonicalHeaderKey(name)] = true
				}
			}
		}
	}
	return c, nil
})

// closed makes of objects that may grow ones that have their declared members
// only. Answers may grow; this contract and this server are of one age.
func closed(text []byte) ([]byte, error) {
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	components, _ := doc["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	for name, node := range schemas {
		schema, _ := node.(map[string]any)
		_, decided := schema["additionalProperties"]
		if _, object := schema["properties"]; object && !decided && name != "JSONPatchOperation" { // RFC 6902 lets those grow
			schema["additionalProperties"] = false
		}
	}
	return yaml.Marshal(doc)
}

// operation finds what a request asks for.
func (c *contract) operation(req *http.Request) (*v3.Operation, bool) {
	item, wrong, path := paths.FindPath(req, c.model, c.options)
	// The tree passes over segments that are empty, a slash at the end among them.
	if item == nil || len(wrong) > 0 || strings.Count(path, "/") != strings.Count(req.URL.EscapedPath(), "/") {
		return nil, false
	}
	operation := helpers.ExtractOperation(req, item)
	return operation, operation != nil
}
