package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"larder/internal/store"
)

func TestCodeOf(t *testing.T) {
	notFound := &store.Error{Code: store.NotFound}
	for _, test := range []struct {
		err  error
		want store.Code
	}{
		{nil, ""},
		{notFound, store.NotFound},
		{fmt.Errorf("wrapped: %w", notFound), store.NotFound},
		{store.Busy, store.Busy},
		{fmt.Errorf("wrapped: %w", store.Busy), store.Busy},
		{context.Canceled, store.Canceled},
		{fmt.Errorf("wrapped: %w", context.DeadlineExceeded), store.Timeout},
		{&store.Error{Code: store.Ambiguous, Err: context.Canceled}, store.Ambiguous},
		{errors.New("disk on fire"), store.Internal},
		{errors.Join(errors.New("a"), notFound), store.NotFound},
	} {
		if got := store.CodeOf(test.err); got != test.want {
			t.Errorf("%v: got %q, want %q", test.err, got, test.want)
		}
		if test.err == nil {
			continue
		}
		if e := store.AsError(test.err); e == nil || e.Code != test.want {
			t.Errorf("%v is %+v as an error of the domain", test.err, e)
		}
	}
	if store.AsError(nil) != nil {
		t.Error("no error is none of the domain either")
	}
	if cause := errors.New("disk on fire"); !errors.Is(store.AsError(cause), cause) {
		t.Error("the cause is lost")
	}
}

func TestErrorIs(t *testing.T) {
	cause := errors.New("disk on fire")
	err := fmt.Errorf("saving: %w", &store.Error{Code: store.StorageFull, Err: cause})
	if !errors.Is(err, store.StorageFull) || errors.Is(err, store.Internal) || !errors.Is(err, cause) {
		t.Error("an error is its code and its cause, and nothing else")
	}
	if errors.Is(err, &store.Error{Code: store.StorageFull}) {
		t.Error("an error is not another one with its code")
	}
}

func TestErrorText(t *testing.T) {
	e := &store.Error{Backend: "main", Code: store.InvalidPatch, Field: "patch", Pointer: "/0/op", Detail: "an operation has an op", Err: errors.New("cause")}
	if got, want := e.Error(), "main: invalid_patch in patch/0/op: an operation has an op: cause"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (&store.Error{Code: store.Busy}).Error(); got != "busy" {
		t.Errorf("got %q", got)
	}
}

func TestFailuresOf(t *testing.T) {
	one, two := store.Batch{Ops: make([]store.Op, 1)}, store.Batch{Ops: make([]store.Op, 2)}
	listed := []store.Failure{{Index: 1, Err: &store.Error{Code: store.NotFound}}}
	for _, test := range []struct {
		name  string
		err   error
		batch store.Batch
		want  int
	}{
		{"none", nil, one, 0},
		{"of a batch", &store.Error{Code: store.BatchFailed, Failures: listed}, two, 1},
		{"of a batch of one", fmt.Errorf("wrapped: %w", &store.Error{Code: store.VersionMismatch}), one, 1},
		{"of the batch as such", &store.Error{Code: store.TooManyOperations}, two, 0},
		{"of a batch over slots", &store.Error{Code: store.CrossSlot, Failures: listed}, two, 0},
		{"of the server", &store.Error{Code: store.Unavailable}, one, 0},
		{"one who went away", &store.Error{Code: store.Canceled}, one, 0},
		{"unknown", errors.New("disk on fire"), one, 0},
	} {
		got := store.FailuresOf(test.err, test.batch)
		if len(got) != test.want {
			t.Errorf("%s: %+v", test.name, got)
		}
		if len(got) == 1 && got[0].Err == nil {
			t.Errorf("%s: a failure without an error", test.name)
		}
	}
}

func TestCodes(t *testing.T) {
	servers := map[store.Code]bool{store.Busy: true, store.Timeout: true, store.Unavailable: true, store.StorageFull: false, store.Ambiguous: false, store.Internal: false}
	for code, retryable := range servers {
		if code.Fault() != store.ServersFault || code.Retryable() != retryable {
			t.Errorf("%s: fault %d, retryable %v", code, code.Fault(), code.Retryable())
		}
	}
	for _, code := range []store.Code{store.InvalidKey, store.NotFound, store.VersionMismatch, store.BatchFailed, store.TooLarge, store.Unsupported, store.Canceled, store.Compacted, store.UniqueViolation, store.CrossSlot} {
		if code.Fault() != store.CallersFault || code.Retryable() {
			t.Errorf("%s: fault %d, retryable %v", code, code.Fault(), code.Retryable())
		}
	}
}
