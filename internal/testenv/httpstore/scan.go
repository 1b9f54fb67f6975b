package httpstore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"larder/api"
	"larder/internal/store"
)

// Scan implements [store.Store]: as a JSON page, or, where the prefix says so
// and nothing has to be rolled up, as lines.
func (s *Store) Scan(ctx context.Context, scan store.Scan) (store.Page, error) {
	if err := s.enter(ctx); err != nil {
		return store.Page{}, err
	}
	if err := scanSayable(scan); err != nil {
		return store.Page{}, err
	}
	params := s.listParams(scan)
	if scan.Delimiter == "" && !either(scan.Prefix+scan.Start) {
		return s.scanLines(ctx, scan.Table, params)
	}
	resp, err := s.client.ListKeysWithResponse(ctx, scan.Table, params)
	if err != nil {
		return store.Page{}, s.broken(ctx, err, false)
	}
	if resp.JSON200 == nil {
		return store.Page{}, s.fail(resp.HTTPResponse, resp.Body, request{invalid: store.InvalidScan})
	}
	page := store.Page{Prefixes: resp.JSON200.Prefixes, Next: resp.JSON200.NextCursor}
	page.Entries, err = entriesOf(resp.JSON200.Items)
	if err == nil {
		err = sameCursor(resp.HTTPResponse, "cursor", page.Next)
	}
	return page, err
}

// scanSayable refuses scans that no combination of parameters stands for, and
// tables that no path can name, as the server would if it could be told.
func scanSayable(scan store.Scan) error {
	invalid := func(field string) error {
		return &store.Error{Code: store.InvalidScan, Field: field, Detail: "this does not go with the order"}
	}
	switch {
	case !hasPath(store.Ref{Table: scan.Table, Key: "k"}):
		return store.ValidateTable(scan.Table)
	case scan.Order > store.ByExpiry:
		return invalid("order")
	case scan.Order != store.ByChange && !scan.ModifiedSince.IsZero():
		return invalid("modified_since")
	case scan.Order != store.ByExpiry && !scan.ExpiringBefore.IsZero():
		return invalid("expiring_before")
	}
	return nil
}

func (s *Store) listParams(scan store.Scan) *api.ListKeysParams {
	params := &api.ListKeysParams{
		Prefix: unlessZero(scan.Prefix), Start: unlessZero(scan.Start), End: unlessZero(scan.End), Delimiter: unlessZero(scan.Delimiter),
		Reverse: unlessZero(scan.Reverse), KeysOnly: unlessZero(scan.KeysOnly), Cursor: unlessZero(scan.After),
		Limit: s.limit(scan.Limit),
	}
	switch scan.Order {
	case store.ByChange:
		params.ModifiedSince = new(scan.ModifiedSince.UTC())
	case store.ByExpiry:
		params.ExpiringBefore = new(scan.ExpiringBefore.UTC())
	case store.ByKey:
	}
	return params
}

// limit says the domain's default, which is not that of the contract.
func (s *Store) limit(n int) *int {
	if n == 0 {
		n = s.info.Limits.MaxPage
	}
	return &n
}

func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// scanLines reads a page of lines; where the next one is, a link tells.
func (s *Store) scanLines(ctx context.Context, table string, params *api.ListKeysParams) (store.Page, error) {
	resp, err := s.client.ListKeys(ctx, table, params, asLines)
	if err != nil {
		return store.Page{}, s.broken(ctx, err, false)
	}
	forms, next, err := linesOf[api.Entry](ctx, s, resp, "cursor")
	if err != nil {
		return store.Page{}, err
	}
	entries, err := entriesOf(forms)
	return store.Page{Entries: entries, Next: next}, err
}

// asLines asks for lines instead of a page.
func asLines(_ context.Context, req *http.Request) error {
	req.Header.Set("Accept", "application/x-ndjson")
	return nil
}

// linesOf reads an answer of lines, which the generated client takes for JSON,
// and the cursor in its link.
func linesOf[T any](ctx context.Context, s *Store, resp *http.Response, parameter string) (forms []T, next string, err error) {
	body, err := drain(resp.Body)
	if err != nil {
		return nil, "", s.broken(ctx, err, false)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, "", s.fail(resp, body, request{invalid: store.InvalidScan})
	}
	if forms, err = readLines[T](body); err != nil {
		return nil, "", err
	}
	next, err = linked(resp, parameter)
	return forms, next, err
}

func readLines[T any](body []byte) ([]T, error) {
	var forms []T
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, len(body)+1)
	for lines.Scan() {
		var form T
		if err := json.Unmarshal(lines.Bytes(), &form); err != nil {
			return nil, fmt.Errorf("line %d, %.100q: %w", len(forms)+1, lines.Bytes(), err)
		}
		forms = append(forms, form)
	}
	return forms, lines.Err()
}

var nextLink = regexp.MustCompile(`^<([^>]*)>; rel="next"$`)

// linked is the cursor in the link to the next page, "" where there is none.
func linked(resp *http.Response, parameter string) (string, error) {
	header := resp.Header.Get("Link")
	if header == "" {
		return "", nil
	}
	match := nextLink.FindStringSubmatch(header)
	if match == nil {
		return "", fmt.Errorf("the link %q is not one to the next page", header)
	}
	target, err := url.Parse(match[1])
	if err != nil {
		return "", fmt.Errorf("the link %q: %w", header, err)
	}
	if target.Path != resp.Request.URL.Path {
		return "", fmt.Errorf("the link %q leads away from %s", header, resp.Request.URL.Path)
	}
	return target.Query().Get(parameter), nil
}

// sameCursor holds the link against the cursor in the body.
func sameCursor(resp *http.Response, parameter, cursor string) error {
	other, err := linked(resp, parameter)
	if err == nil && other != cursor {
		err = fmt.Errorf("the link has the cursor %q, the body %q", other, cursor)
	}
	return err
}
