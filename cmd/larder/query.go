package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

type queryCommand struct {
	server
	Table  string   `arg:"" help:"The table."`
	Filter []string `arg:"" optional:"" help:"Conditions, all of which have to hold, as path:op:value: /age:gte:18 or /tier:in:[\"a\",\"b\"]."`
	JSON   string   `placeholder:"FILE" help:"The whole query as JSON, from a file or from - for standard input."`
	Sort   []string `placeholder:"PATH[:desc]" sep:"none" help:"Sort by a field; may be repeated."`
	Select []string `placeholder:"PATH" sep:"none" help:"Show only this part of the values; may be repeated."`
	window
}

// Run finds entries: a table for a person, JSON lines for a program.
func (c *queryCommand) Run(ctx context.Context, s streams) error {
	query, err := c.query(s.in)
	if err != nil {
		return err
	}
	larder, err := c.connect()
	if err != nil {
		return err
	}
	return c.show(s, true, func(cursor string) ([]api.Entry, string, error) {
		query.Cursor = cursor
		var body bytes.Buffer
		if err := writeJSON(&body, query); err != nil {
			return nil, "", err
		}
		var page api.QueryPage
		err := remote.Read(larder.QueryTableWithBody(ctx, c.Table, nil, "application/json", &body))(&page)
		if err == nil && cursor == "" {
			s.note("Found by %s, %d entries looked at.", strings.TrimSpace(string(page.Plan.Mode)+" "+page.Plan.Index), page.Plan.Scanned)
		}
		return page.Items, page.NextCursor, err
	})
}

// Validate refuses what can't be asked.
func (c *queryCommand) Validate() error {
	if c.JSON != "" && len(c.Filter)+len(c.Sort)+len(c.Select) > 0 {
		return usage("--json has the whole query; leave filters, --sort and --select out")
	}
	if err := validateTable(c.Table); err != nil {
		return err
	}
	return c.window.Validate()
}

func (c *queryCommand) query(in io.Reader) (api.QueryRequest, error) {
	if c.JSON != "" {
		return c.readQuery(in)
	}
	query := api.QueryRequest{Limit: new(c.pageLimit()), Select: c.Select}
	var terms []api.Filter
	for _, text := range c.Filter {
		term, err := parseTerm(text)
		if err != nil {
			return query, err
		}
		terms = append(terms, term)
	}
	switch len(terms) {
	case 0:
	case 1:
		query.Filter = &terms[0]
	default:
		query.Filter = &api.Filter{And: terms}
	}
	for _, text := range c.Sort {
		path, order := text, api.SortOrderAsc
		if before, ok := strings.CutSuffix(text, ":desc"); ok {
			path, order = before, api.SortOrderDesc
		} else if before, ok := strings.CutSuffix(text, ":asc"); ok {
			path = before
		}
		query.Sort = append(query.Sort, api.Sort{Path: path, Order: order})
	}
	return query, nil
}

func (c *queryCommand) readQuery(in io.Reader) (api.QueryRequest, error) {
	var query api.QueryRequest
	if c.JSON != "-" {
		file, err := os.Open(c.JSON)
		if err != nil {
			return query, err
		}
		defer func() { _ = file.Close() }() // only read
		in = file
	}
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&query); err != nil {
		return query, usage("--json: %v", err)
	}
	if query.Limit == nil {
		query.Limit = new(c.pageLimit())
	}
	return query, nil
}

// The operators of a filter; the last three take no value.
var operators = []api.FilterOp{
	api.FilterOpEq, api.FilterOpNe, api.FilterOpGt, api.FilterOpGte, api.FilterOpLt, api.FilterOpLte,
	api.FilterOpIn, api.FilterOpNin, api.FilterOpLike, api.FilterOpNotLike, api.FilterOpPrefix, api.FilterOpContains,
	api.FilterOpIsNull, api.FilterOpIsNotNull, api.FilterOpExists,
}

// parseTerm reads path:op:value. A path may hold colons: the first operator
// between two of them counts. A value that is not JSON is a text.
func parseTerm(text string) (api.Filter, error) {
	for at := range len(text) {
		if text[at] != ':' {
			continue
		}
		name, value, hasValue := strings.Cut(text[at+1:], ":")
		op := api.FilterOp(name)
		i := slices.Index(operators, op)
		if i < 0 || hasValue == (i >= len(operators)-3) {
			continue
		}
		term := api.Filter{Path: text[:at], Op: op}
		if hasValue {
			term.Value = json.RawMessage(value)
			if !json.Valid(term.Value) {
				quoted, err := json.Marshal(value)
				if err != nil {
					return term, err
				}
				term.Value = quoted
			}
		}
		return term, nil
	}
	names := make([]string, len(operators))
	for i, op := range operators {
		names[i] = string(op)
	}
	return api.Filter{}, usage("%q is no condition such as /age:gte:18 or /email:exists; the operators are %s", text, strings.Join(names, " "))
}
