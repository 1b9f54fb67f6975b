package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readFile reads a YAML file of settings. It is flat, so the syntax tree is
// read as it stands: each value keeps the text and the line it was written in.
func readFile(file given) (values []given, problems []Problem) {
	data, err := os.ReadFile(file.text)
	if err != nil {
		return nil, []Problem{{file.where, fmt.Sprintf("can't be read: %v", err)}}
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, []Problem{syntaxProblem(file.text, err)}
	}
	pairs, ok := settingsOf(tree)
	if !ok {
		return nil, []Problem{{file.text, "settings are written as one flat list of lines like listen: 127.0.0.1:8080"}}
	}
	known := knownNames()
	for _, pair := range pairs {
		key := pair.Key.GetToken()
		where := fmt.Sprintf("%s:%d: %s", file.text, key.Position.Line, key.Value)
		name := strings.ToUpper(key.Value)
		if key.Value != strings.ToLower(key.Value) || !slices.Contains(known, name) {
			problems = append(problems, Problem{where, unknown(strings.ToLower(key.Value), "", known, strings.ToLower)})
			continue
		}
		text, ok := scalar(pair.Value)
		if !ok {
			problems = append(problems, Problem{where, "one plain value is wanted here"})
			continue
		}
		values = append(values, given{name: name, text: text, where: where, origin: "file:" + file.text})
	}
	return values, problems
}

// settingsOf gives the pairs of the only document, none for an empty file.
func settingsOf(tree *ast.File) (pairs []*ast.MappingValueNode, ok bool) {
	var bodies []ast.Node
	for _, doc := range tree.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) == 0 {
		return nil, true
	}
	switch body := bodies[0].(type) {
	case *ast.MappingNode:
		return body.Values, len(bodies) == 1
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{body}, len(bodies) == 1
	}
	return nil, false
}

func scalar(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, node.Value != ""
	case *ast.LiteralNode:
		text := strings.TrimSpace(node.Value.Value)
		return text, text != ""
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return node.GetToken().Value, true
	}
	return "", false
}

// syntaxProblem makes one line of the parser's drawing of the place.
func syntaxProblem(path string, err error) Problem {
	if syntax, ok := errors.AsType[yaml.Error](err); ok {
		return Problem{fmt.Sprintf("%s:%d", path, syntax.GetToken().Position.Line), syntax.GetMessage()}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return Problem{path, first}
}
