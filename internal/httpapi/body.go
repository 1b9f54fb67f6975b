package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"larder/internal/store"
	"larder/internal/value"
)

// envelopeDepth is how deep a value can lie within an envelope: that of a
// batch's operation, plus the envelope of a filter.
const envelopeDepth = 8

// maxDiscarded is how much of a body that is too large is read all the same:
// a client that is cut off while it sends may never see why.
const maxDiscarded = 16 << 20

// readBody reads all of a request's body, up to a limit in bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		if r.ContentLength <= maxDiscarded {
			_, _ = io.Copy(io.Discard, r.Body) // the answer is the same where it ends early
		}
		return nil, inBody("", &store.Error{Code: store.TooLarge, Detail: tooLargeDetail(limit)})
	}
	reader := http.MaxBytesReader(w, r.Body, limit)
	if n := r.ContentLength; n >= 0 {
		data := make([]byte, n)
		if _, err := io.ReadFull(reader, data); err != nil {
			return nil, bodyReadError(err, limit)
		}
		return data, nil
	}
	var buffer bytes.Buffer
	if _, err := buffer.ReadFrom(reader); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded)
		}
		return nil, bodyReadError(err, limit)
	}
	return buffer.Bytes(), nil
}

// bodyReadError says why a body could not be read; that is always the
// client's doing, or its network's.
func bodyReadError(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return inBody("", &store.Error{Code: store.TooLarge, Detail: tooLargeDetail(limit), Err: err})
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return inBody("", &store.Error{Code: slowRequest, Detail: "the body did not come in time", Err: err})
	}
	return inBody("", &store.Error{Code: invalidBodyCode, Detail: "the body ended early, or its chunks are not valid", Err: err})
}

// readValue reads a body that is a value.
func (a *API) readValue(w http.ResponseWriter, r *http.Request) (value.Value, error) {
	kind, err := contentType(w, r, jsonType, bytesType)
	if err != nil {
		return value.Value{}, err
	}
	data, err := readBody(w, r, int64(a.limits.MaxValueBytes))
	if err != nil {
		return value.Value{}, err
	}
	if kind == bytesType {
		return value.OfBytes(data), nil
	}
	v, err := value.Parse(data, a.limits.Values())
	if err != nil {
		return value.Value{}, valueProblem("", err)
	}
	return v, nil
}

// decode reads a body that is an envelope into form. All of it has to be
// sound JSON in the same strict sense as a value, and every member has to be
// one that form has. The values within come out canonical.
func (a *API) decode(w http.ResponseWriter, r *http.Request, form any) error {
	if _, err := contentType(w, r, jsonType); err != nil {
		return err
	}
	data, err := readBody(w, r, a.options.MaxBodyBytes)
	if err != nil {
		return err
	}
	limits := value.Limits{MaxBytes: int(a.options.MaxBodyBytes), MaxDepth: a.limits.MaxDepth + envelopeDepth}
	parsed, err := value.Parse(data, limits)
	if err != nil {
		return valueProblem("", err)
	}
	if value.KindOf(parsed.Data) != value.Object {
		return invalidBody("", "the body is a JSON object")
	}
	if err := json.Unmarshal(parsed.Data, form, json.RejectUnknownMembers(true)); err != nil {
		return formError(err)
	}
	return nil
}

// valueProblem says what is wrong with a value whose place in the body is
// given.
func valueProblem(pointer string, err error) error {
	if syntax, ok := errors.AsType[*value.SyntaxError](err); ok {
		return inBody(pointer+syntax.Pointer, &store.Error{Code: store.InvalidJSON, Detail: syntax.Detail, Err: err})
	}
	if large, ok := errors.AsType[*value.TooLargeError](err); ok {
		return inBody(pointer, &store.Error{Code: store.TooLarge, Detail: tooLargeDetail(int64(large.Max)), Err: err})
	}
	return inBody(pointer, &store.Error{Code: store.InvalidJSON, Detail: "not valid JSON", Err: err})
}

// formError says which member of an envelope is wrong.
func formError(err error) error {
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return inBody("", &store.Error{Code: invalidBodyCode, Detail: "the body is not what this operation takes", Err: err})
	}
	detail := "this member can't hold " + article(semantic.JSONKind)
	if errors.Is(err, json.ErrUnknownName) {
		detail = "there is no such member"
	} else if wanted := kindName(semantic.GoType); wanted != "" {
		detail = "this member is " + wanted
	}
	return inBody(string(semantic.JSONPointer), &store.Error{Code: invalidBodyCode, Detail: detail, Err: err})
}

func article(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '0':
		return "a number like this"
	}
	return "a " + kind.String()
}

// kindName says what JSON a Go type is written as.
func kindName(t reflect.Type) string {
	if t == nil {
		return ""
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return "an integer"
	case t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Slice && !strings.Contains(t.String(), "RawMessage"):
		return "an array"
	case t.String() == "time.Time":
		return "a time as RFC 3339 has it, such as 2026-01-02T03:04:05Z"
	case t.Kind() == reflect.Map || t.Kind() == reflect.Struct:
		return "an object"
	}
	return ""
}
