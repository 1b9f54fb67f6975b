package store

import (
	"errors"
	"time"

	"larder/internal/value"
)

// The widest result of an Increment: what every client's number type keeps
// (RFC 7493, section 2.2).
var (
	minCounter = []byte("-9007199254740991")
	maxCounter = []byte("9007199254740991")
)

// Eval says what every operation means: what stands after op where current
// stood before, at that time by the backend's clock. It is pure.
//
// current is the entry as stored, expired or not; a tombstone; or, where the
// store knows nothing of the key, an entry of version 0 or of the floor below
// which the table's versions are used up, marked Deleted. An operation that
// changes nothing gives back what a reader sees of current, at its version;
// every other gives the next version.
//
// Backends that push an operation down are held to this by the suite.
func Eval(op Op, current Entry, now time.Time, lim Limits) (Entry, error) {
	now = now.UTC().Truncate(time.Microsecond)
	seen := current.At(now)
	seen.Ref = op.Ref
	if err := op.If.check(seen); err != nil {
		return Entry{}, err
	}
	switch op.Kind {
	case Get, Check:
		return seen, nil
	case Delete:
		if !seen.Exists() {
			return seen, nil
		}
		return seen.Tombstone(now), nil
	case Put:
		return evalPut(op, seen, now)
	case Patch, Increment, Expire:
		return evalChange(op, seen, now, lim)
	}
	return Entry{}, invalid(InvalidOperation, "op", "unknown kind of operation")
}

func evalPut(op Op, seen Entry, now time.Time) (Entry, error) {
	next, err := succeed(op, seen, now)
	if err != nil {
		return Entry{}, err
	}
	next.Value, next.Metadata = op.Value, op.Metadata
	return next, nil
}

// evalChange does what needs an entry to start from. Increment alone can do
// without, given an initial number.
func evalChange(op Op, seen Entry, now time.Time, lim Limits) (Entry, error) {
	if !seen.Exists() && (op.Kind != Increment || op.Increment.Initial == nil) {
		return Entry{}, &Error{Code: NotFound, Ref: op.Ref, Detail: "the entry does not exist"}
	}
	next, err := succeed(op, seen, now)
	if err != nil {
		return Entry{}, err
	}
	next.Value, next.Metadata = seen.Value, seen.Metadata
	switch op.Kind {
	case Patch:
		next.Value, err = evalPatch(op, seen.Value, lim)
	case Increment:
		next.Value, err = evalIncrement(op, seen.Value, lim)
	}
	if err != nil {
		return Entry{}, err
	}
	return next, nil
}

// succeed is the entry after this one, its value still to be set.
func succeed(op Op, seen Entry, now time.Time) (Entry, error) {
	next := Entry{Ref: op.Ref, Version: seen.Version + 1, CreatedAt: seen.CreatedAt, UpdatedAt: seen.nextUpdate(now)}
	if !seen.Exists() {
		next.CreatedAt = next.UpdatedAt
	}
	ends, err := op.Expiry.resolve(seen.ExpiresAt, !seen.Exists(), op.Kind == Put, op.DefaultTTL, now)
	if err != nil {
		return Entry{}, withRef(err, op.Ref)
	}
	next.ExpiresAt = ends
	return next, nil
}

func evalPatch(op Op, old value.Value, lim Limits) (value.Value, error) {
	if old.Encoding != value.JSON {
		return value.Value{}, &Error{Code: PatchConflict, Ref: op.Ref, Field: "patch", Detail: "the value is bytes, not JSON"}
	}
	var next value.Value
	var err error
	if op.PatchType == MergePatch {
		next, err = value.MergePatch(old.Data, op.Patch, lim.Values())
	} else {
		next, err = value.JSONPatch(old.Data, op.Patch, lim.Values())
	}
	if err != nil {
		return value.Value{}, withRef(valueError("patch", PatchConflict, err), op.Ref)
	}
	return next, nil
}

// evalIncrement adds to the number at the step's path. Where the entry is new,
// the objects on the way to that number are made.
func evalIncrement(op Op, old value.Value, lim Limits) (value.Value, error) {
	step := op.Increment
	if old.Encoding != value.JSON {
		return value.Value{}, &Error{Code: NotANumber, Ref: op.Ref, Field: "path", Detail: "the value is bytes, not JSON"}
	}
	doc := old.Data
	number, found := step.Path.Lookup(doc)
	if !found {
		if step.Initial == nil {
			return value.Value{}, &Error{Code: NotANumber, Ref: op.Ref, Field: "path", Pointer: step.Path.String(), Detail: "there is nothing at this path, and no initial number was given"}
		}
		number = step.Initial
	}
	if value.KindOf(number) != value.Number {
		return value.Value{}, &Error{Code: NotANumber, Ref: op.Ref, Field: "path", Pointer: step.Path.String(), Detail: "there is no number at this path"}
	}
	sum, err := value.Add(number, step.Delta)
	if err != nil {
		return value.Value{}, &Error{Code: OutOfRange, Ref: op.Ref, Field: "delta", Detail: "the sum has more digits than a number can have", Err: err}
	}
	if err := step.bound(sum); err != nil {
		return value.Value{}, withRef(err, op.Ref)
	}
	if !found {
		doc = makeWay(doc, step.Path)
	}
	next, err := step.Path.Set(doc, sum)
	if err != nil {
		return value.Value{}, &Error{Code: NotANumber, Ref: op.Ref, Field: "path", Pointer: step.Path.String(), Detail: "there is no place for a number at this path", Err: err}
	}
	if len(next) > lim.WithDefaults().MaxValueBytes {
		return value.Value{}, &Error{Code: TooLarge, Ref: op.Ref, Field: "value", Detail: "the value would grow over the limit"}
	}
	return value.Value{Data: next}, nil
}

func (s Step) bound(sum []byte) error {
	for _, b := range []struct {
		limit []byte
		sign  int // of Compare(sum, limit) when it is passed
	}{{minCounter, -1}, {maxCounter, 1}, {s.Min, -1}, {s.Max, 1}} {
		if b.limit != nil && value.Compare(sum, b.limit)*b.sign > 0 {
			return invalid(OutOfRange, "delta", "the result %.40s would pass %.40s", sum, b.limit)
		}
	}
	return nil
}

// makeWay gives an absent document the objects that lead to path.
func makeWay(doc []byte, path value.Pointer) []byte {
	if len(doc) > 0 || len(path) == 0 {
		return doc
	}
	doc = []byte("{}")
	for i := range len(path) - 1 {
		next, err := path[:i+1].Set(doc, []byte("{}"))
		if err != nil {
			return doc
		}
		doc = next
	}
	return doc
}

// valueError gives a domain error for one of package value's. byDefault is the
// code where the input is sound but does not fit the stored value.
func valueError(field string, byDefault Code, err error) *Error {
	e := &Error{Code: byDefault, Field: field, Err: err, Detail: err.Error()}
	if patch, ok := errors.AsType[*value.PatchError](err); ok {
		e.Pointer, e.Detail = patch.Pointer, patch.Detail
		if patch.Malformed {
			e.Code = InvalidPatch
		}
	}
	if _, ok := errors.AsType[*value.TooLargeError](err); ok {
		e.Code = TooLarge
	}
	return e
}

func withRef(err error, ref Ref) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Ref = ref
	}
	return err
}
