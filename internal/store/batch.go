package store

import (
	"errors"
	"fmt"
	"time"
)

// Batch is what Apply does: all of its operations, or none.
//
// Every operation sees the state before the batch. A key that one of them
// writes is named by no other; a key that is only read may be named again.
type Batch struct {
	Ops    []Op
	DryRun bool // say what would happen, and write nothing
}

// Result is what an operation came to.
type Result struct {
	Entry   Entry // after the operation, as a reader sees it
	Changed bool  // Entry is a version that this batch wrote (or would have, in a dry run)
	Created bool  // and before that there was none

	// Replication says, where what is written is taken over by other stores, whether
	// they have it already.
	Replication Replication
}

// Replication is how far a write has come.
type Replication uint8

// How far. Zero: nowhere but where it was written, which is all there is.
const (
	NotReplicated Replication = iota
	ReplicationComplete
	ReplicationPending // it reaches the others by itself
)

// Validate refuses what no state could satisfy. Every Store calls it first.
func (b Batch) Validate(lim Limits) error {
	lim = lim.WithDefaults()
	if len(b.Ops) == 0 {
		return invalid(InvalidOperation, "operations", "a batch has at least one operation")
	}
	if len(b.Ops) > lim.MaxOperations {
		return invalid(TooManyOperations, "operations", "a batch has at most %d operations, this one has %d", lim.MaxOperations, len(b.Ops))
	}
	var failures []Failure
	for i := range b.Ops {
		if err := b.Ops[i].Validate(lim); err != nil {
			failures = append(failures, Failure{Index: i, Err: AsError(err)})
		}
	}
	if len(failures) == 0 {
		failures = b.Conflicts()
	}
	return b.Failed(failures)
}

// Conflicts finds the operations that name a key again which one of them
// writes.
func (b Batch) Conflicts() []Failure {
	if len(b.Ops) == 1 {
		return nil
	}
	type use struct {
		first  int
		writes bool
	}
	uses := make(map[Ref]use, len(b.Ops))
	var failures []Failure
	for i := range b.Ops {
		op := &b.Ops[i]
		u, again := uses[op.Ref]
		if again && (u.writes || op.Kind.Writes()) {
			failures = append(failures, Failure{Index: i, Err: &Error{
				Code: DuplicateKey, Ref: op.Ref, Field: "key",
				Detail: fmt.Sprintf("operation %d names this key already, and one of the two writes it", u.first),
			}})
		}
		if !again {
			u.first = i
		}
		u.writes = u.writes || op.Kind.Writes()
		uses[op.Ref] = u
	}
	return failures
}

// Eval is Eval for a batch: the entries that stand after it, in the order of
// its operations, or the error that Apply owes.
func (b Batch) Eval(current []Entry, now time.Time, lim Limits) ([]Result, error) {
	results := make([]Result, len(b.Ops))
	var failures []Failure
	for i := range b.Ops {
		next, err := Eval(b.Ops[i], current[i], now, lim)
		if err != nil {
			failures = append(failures, Failure{Index: i, Err: AsError(err)})
			continue
		}
		changed := next.Version != current[i].Version
		results[i] = Result{
			Entry: next, Changed: changed,
			Created: changed && next.Exists() && !current[i].At(now).Exists(),
		}
	}
	if err := b.Failed(failures); err != nil {
		return nil, err
	}
	return results, nil
}

// Failed is the error for a batch with these failures: nil for none; the
// failure itself in a batch of one, and where the request as such is wrong.
func (b Batch) Failed(failures []Failure) error {
	switch {
	case len(failures) == 0:
		return nil
	case len(b.Ops) == 1:
		return failures[0].Err
	}
	first := failures[0]
	return &Error{
		Code: BatchFailed, Ref: first.Err.Ref, Failures: failures,
		Detail: fmt.Sprintf("operation %d failed: %s", first.Index, first.Err.Detail),
	}
}

// Refs names what the batch touches, in the order of its operations.
func (b Batch) Refs() []Ref {
	refs := make([]Ref, len(b.Ops))
	for i := range b.Ops {
		refs[i] = b.Ops[i].Ref
	}
	return refs
}

// Fail is for a backend that finds out by itself that one operation of b can't
// be done, such as one that breaks a unique index.
func (b Batch) Fail(index int, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code.Fault() == ServersFault {
		return err
	}
	return b.Failed([]Failure{{Index: index, Err: e}})
}
