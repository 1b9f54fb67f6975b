package httpstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"syscall"

	"larder/api"
	"larder/internal/store"
)

// request is what has to be known of a request to understand its problem.
type request struct {
	ops     []store.Op // what was to be done, where it was that
	batched bool       // by a batch, of one or more
	raw     bool       // the body was the value or the patch itself
	invalid store.Code // what stands for a code that only HTTP has; "": InvalidOperation
}

// broken is the error for an exchange that did not come to its end. What a
// write came to is then not known, unless nobody listened any more.
func (s *Store) broken(ctx context.Context, err error, sentWrite bool) error {
	e := &store.Error{Code: store.CodeOf(err), Backend: s.info.Name, Err: err}
	if ctx.Err() != nil {
		e.Code = store.CodeOf(ctx.Err())
	}
	switch refused := errors.Is(err, syscall.ECONNREFUSED); {
	case refused || s.closed.Load() && !sentWrite:
		e.Code = store.Unavailable
	case sentWrite:
		e.Code = store.Ambiguous
	}
	return e
}

// fail gives the domain error for an answer that is no success.
func (s *Store) fail(resp *http.Response, body []byte, r request) error {
	var p api.Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Code == "" || p.Status != resp.StatusCode {
		return &store.Error{
			Code: store.Internal, Backend: s.info.Name,
			Err: fmt.Errorf("%s answered %s, which is no problem: %.200q", resp.Request.URL.Path, resp.Status, body),
		}
	}
	if r.batched {
		if failures := s.failures(p, r); len(failures) > 0 {
			return s.batchFailed(p, r, failures)
		}
	}
	e := s.errorOf(p, r)
	e.Precondition = p.Status == http.StatusPreconditionFailed
	s.current(e, p.CurrentVersion, p.Entry)
	return e
}

// batchFailed is what Apply owes for a batch with these failures.
func (s *Store) batchFailed(p api.Problem, r request, failures []store.Failure) error {
	if len(r.ops) == 1 {
		return failures[0].Err
	}
	code := store.BatchFailed
	if store.Code(p.Code) == store.CrossSlot {
		code = store.CrossSlot
	}
	return &store.Error{
		Code: code, Backend: s.info.Name, Ref: failures[0].Err.Ref, Detail: p.Detail, Failures: failures,
	}
}

func (s *Store) errorOf(p api.Problem, r request) *store.Error {
	e := &store.Error{Code: domainCode(p.Code, r), Backend: s.info.Name, Detail: p.Detail}
	if len(p.Errors) > 0 {
		e.Field, e.Pointer = fieldOf(p.Errors[0], r)
	}
	if len(r.ops) == 1 {
		e.Ref = r.ops[0].Ref
	}
	return e
}

// failures are the operations that a problem points at.
func (s *Store) failures(p api.Problem, r request) []store.Failure {
	var failures []store.Failure
	for _, pe := range p.Errors {
		rest, found := strings.CutPrefix(pointerOf(pe), "/operations/")
		number, rest, _ := strings.Cut(rest, "/")
		index, err := strconv.Atoi(number)
		if !found || err != nil || index >= len(r.ops) {
			continue
		}
		op := r.ops[index]
		e := &store.Error{Code: domainCode(pe.Code, r), Backend: s.info.Name, Ref: op.Ref, Detail: pe.Detail}
		if rest != "" {
			e.Field, e.Pointer = fieldOf(api.ProblemError{Pointer: new("/" + rest)}, r)
		}
		switch e.Code {
		case store.AlreadyExists, store.VersionMismatch:
			e.Precondition = true
		case store.NotFound: // a precondition is looked at first
			e.Precondition = op.If.Exists || len(op.If.Versions) > 0
		}
		if e.Code == store.InvalidJSON && rest == "key" { // U+0000, which no JSON here has
			e.Code = store.InvalidKey
		}
		s.current(e, pe.CurrentVersion, nil)
		failures = append(failures, store.Failure{Index: index, Err: e})
	}
	return failures
}

// current is the entry that a precondition failed on, as far as it was told.
func (s *Store) current(e *store.Error, version int64, form *api.Entry) {
	if !e.Precondition {
		return
	}
	e.Field = "precondition"
	e.Current = &store.Entry{Ref: e.Ref, Version: version}
	if e.Code == store.NotFound {
		e.Current.Deleted = version > 0
	}
	if form != nil {
		entry, err := entryOf(*form)
		if err != nil {
			e.Err = err
			return
		}
		e.Current = &entry
	}
}

// domainCode is a problem's code as the domain has it.
func domainCode(code string, r request) store.Code {
	switch code {
	case "invalid_parameter", "invalid_header", "invalid_body":
		if r.invalid != "" {
			return r.invalid
		}
		return store.InvalidOperation
	case "stopping", "too_many_streams":
		return store.Unavailable
	case "slow_request":
		return store.Timeout
	}
	return store.Code(code)
}

// pointerOf is where in the body a problem points; "" is all of it, or nowhere.
func pointerOf(pe api.ProblemError) string {
	if pe.Pointer == nil {
		return ""
	}
	return *pe.Pointer
}

// fieldOf is the part of the domain request that a problem points at.
func fieldOf(pe api.ProblemError, r request) (field, pointer string) {
	switch {
	case pe.Parameter != "":
		return pe.Parameter, ""
	case pe.Header == "Larder-Metadata":
		return "metadata", ""
	case pe.Header != "":
		return "precondition", ""
	case r.raw && len(r.ops) == 1 && r.ops[0].Kind == store.Patch:
		return "patch", pointerOf(pe)
	case r.raw:
		return "value", pointerOf(pe)
	}
	field, pointer, more := strings.Cut(strings.TrimPrefix(pointerOf(pe), "/"), "/")
	if more {
		pointer = "/" + pointer
	}
	return field, pointer
}
