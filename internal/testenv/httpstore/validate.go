package httpstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	liberrors "github.com/pb33f/libopenapi-validator/errors"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// Validating holds every exchange that goes through next against openapi.yaml,
// and fails the test where one does not keep to it:
//
//   - the answer's status is one of the operation's own, or one that any may
//     have; its type is declared, its body matches, and there is nothing in it
//     that the contract does not know; streams are looked at line by line
//   - a request that the contract forbids is not answered with success
func Validating(t testing.TB, next http.RoundTripper) http.RoundTripper {
	t.Helper()
	c, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	return &validating{t: t, contract: c, next: next}
}

// anyOperation lists the statuses that every operation may answer with.
var anyOperation = []int{
	http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusRequestTimeout,
	http.StatusRequestHeaderFieldsTooLarge, http.StatusInternalServerError, http.StatusGatewayTimeout,
}

type validating struct {
	t        testing.TB
	contract *contract
	next     http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (v *validating) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req.Body)
	if err != nil {
		return nil, err
	}
	sent := withBody(req, body)
	resp, err := v.next.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	operation, known := v.contract.operation(withBody(req, body))
	if !known {
		v.unknown(req, resp)
		return resp, nil
	}
	v.status(req, resp, operation)
	v.headers(req, resp)
	switch mediaType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); mediaType {
	case "application/x-ndjson", "text/event-stream":
		v.request(req, resp, body, nil)
		v.answer(req, resp, []byte(`"lines"`))
		resp.Body = &stream{ReadCloser: resp.Body, check: func(line []byte) { v.line(req, line) }, events: mediaType == "text/event-stream"}
		return resp, nil
	}
	answer, err := drain(resp.Body)
	if err != nil {
		return nil, err
	}
	v.request(req, resp, body, answer)
	v.answer(req, resp, answer)
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	return resp, nil
}

// request makes sure that what the contract forbids was not done. Of a batch
// whose operations stand for themselves, one at least has to have failed.
func (v *validating) request(req *http.Request, resp *http.Response, body, answer []byte) {
	if resp.StatusCode >= http.StatusBadRequest || req.URL.Path == "/batch" && bytes.Contains(answer, []byte(`"error":{`)) {
		return
	}
	if _, wrong := v.contract.validator.ValidateHttpRequestSync(withBody(req, body)); len(wrong) > 0 {
		v.t.Errorf("%s %s was answered %s, though the contract does not allow the request%s", req.Method, req.URL, resp.Status, explain(wrong))
	}
}

// unknown holds the answer to what is in no contract to the little that can be
// asked of it.
func (v *validating) unknown(req *http.Request, resp *http.Response) {
	switch {
	case resp.StatusCode >= http.StatusBadRequest && resp.Header.Get("Content-Type") != "application/problem+json" && resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge:
		v.t.Errorf("%s %s was answered %s as %q, which is no problem", req.Method, req.URL, resp.Status, resp.Header.Get("Content-Type"))
	case resp.StatusCode < http.StatusBadRequest && req.Method != http.MethodOptions && !strings.HasPrefix(req.URL.Path, "/docs/"):
		v.t.Errorf("%s %s is not in the contract and was answered %s", req.Method, req.URL, resp.Status)
	}
}

// status holds a status to those that were declared.
func (v *validating) status(req *http.Request, resp *http.Response, operation *v3.Operation) {
	declared := operation.Responses.Codes.GetOrZero(strconv.Itoa(resp.StatusCode)) != nil
	if !declared && !slices.Contains(anyOperation, resp.StatusCode) {
		v.t.Errorf("%s %s (%s) was answered %s, which the contract does not declare", req.Method, req.URL, operation.OperationId, resp.Status)
	}
}

// headers holds what is larder's own among the headers to what the contract
// has. HTTP's own go with any answer.
func (v *validating) headers(req *http.Request, resp *http.Response) {
	for name := range resp.Header {
		if strings.HasPrefix(name, "Larder-") && !v.contract.headers[name] {
			v.t.Errorf("%s %s was answered with the header %s, which the contract does not have", req.Method, req.URL, name)
		}
	}
}

// answer holds type, headers and body to what was declared.
func (v *validating) answer(req *http.Request, resp *http.Response, body []byte) {
	held := *resp
	held.Body = io.NopCloser(bytes.NewReader(body))
	if req.Method == http.MethodHead {
		held.Body = http.NoBody
	}
	if _, wrong := v.contract.validator.ValidateHttpResponse(withBody(req, nil), &held); len(wrong) > 0 {
		v.t.Errorf("%s %s was answered %s, not as the contract has it%s\n%.400s", req.Method, req.URL, resp.Status, explain(wrong), body)
	}
}

// line holds one line of a stream to what an item of a page has to be.
func (v *validating) line(req *http.Request, line []byte) {
	page := slices.Concat([]byte(`{"next_cursor":"","items":[`), line, []byte(`]}`))
	held := &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(page)), Request: req,
	}
	if _, wrong := v.contract.validator.ValidateHttpResponse(withBody(req, nil), held); len(wrong) > 0 {
		v.t.Errorf("%s %s has a line that is not as the contract has it%s\n%.400s", req.Method, req.URL, explain(wrong), line)
	}
}

func explain(wrong []*liberrors.ValidationError) string {
	var b strings.Builder
	for _, w := range wrong {
		fmt.Fprintf(&b, "\n  %s: %s", w.Message, w.Reason)
		for _, failure := range w.SchemaValidationErrors {
			fmt.Fprintf(&b, "\n    %s at %s", failure.Reason, failure.FieldPath)
		}
	}
	return b.String()
}

func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil || body == http.NoBody {
		return nil, nil
	}
	data, err := io.ReadAll(body)
	return data, errors.Join(err, body.Close())
}

// withBody is a copy of a request that nobody else reads.
func withBody(req *http.Request, body []byte) *http.Request {
	held := req.Clone(req.Context())
	held.Body = http.NoBody
	if body != nil {
		held.Body = io.NopCloser(bytes.NewReader(body))
		held.ContentLength = int64(len(body))
	}
	return held
}
