package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Error is every error that a Store returns. Detail is meant for the caller
// and holds nothing internal; Err is the cause, for the operator only.
type Error struct {
	Code    Code
	Backend string // which store, where one was involved
	Ref     Ref    // which entry, where it is about one
	Field   string // which part of the request: "key", "value", "patch", …
	Pointer string // RFC 6901, the place within that part
	Detail  string // what would be right, for the caller

	// Precondition marks NotFound, AlreadyExists and VersionMismatch that
	// come from a failed precondition rather than from an absent entry.
	Precondition bool
	// Current is the entry as it stands, where a precondition failed on it.
	Current *Entry
	// Failures are the operations that failed, where Code is BatchFailed:
	// in order, at least one, all failing preconditions among them. Where it
	// is CrossSlot they are those whose key lies elsewhere than the first.
	Failures []Failure

	Err error
}

// Failure is one operation of a batch that could not be done.
type Failure struct {
	Index int // in Batch.Ops
	Err   *Error
}

// Error gives the whole story to the operator; a caller is shown Code and
// Detail only.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Backend != "" {
		b.WriteString(e.Backend + ": ")
	}
	b.WriteString(string(e.Code))
	if e.Field != "" {
		fmt.Fprintf(&b, " in %s%s", e.Field, e.Pointer)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is matches the code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// CodeOf gives the code of any error: of a context's end Timeout or
// Canceled, and Internal where none is known. It is "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if code, ok := errors.AsType[Code](err); ok {
		return code
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, context.Canceled):
		return Canceled
	}
	return Internal
}

// AsError gives err as an *Error, with CodeOf where it was none; nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeOf(err), Err: err}
}

// FailuresOf lists what failed of a batch, also of a batch of one, whose
// error is that of its only operation. It is nil where the error is not about
// single operations.
func FailuresOf(err error, b Batch) []Failure {
	e := AsError(err)
	switch {
	case e == nil:
		return nil
	case e.Code == BatchFailed:
		return e.Failures
	case len(b.Ops) == 1 && e.Code.Fault() == CallersFault && e.Code != Canceled:
		return []Failure{{Index: 0, Err: e}}
	}
	return nil
}
