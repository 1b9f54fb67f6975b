package store

import (
	"slices"
	"time"

	"larder/internal/value"
)

// Kind is what an Op does.
type Kind uint8

// The kinds. Get and Check write nothing.
const (
	Get Kind = iota + 1
	Put
	Patch
	Increment
	Expire
	Delete
	Check
)

var kindNames = [...]string{"", "get", "put", "patch", "increment", "expire", "delete", "check"}

// String is the kind's name in the contract.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// ParseKind finds a kind by its name.
func ParseKind(name string) (Kind, bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(max(i, 0)), i > 0
}

// Writes says whether the kind can change an entry.
func (k Kind) Writes() bool { return k != Get && k != Check }

// PatchType is how Op.Patch is to be read.
type PatchType uint8

// The two kinds of patch.
const (
	MergePatch PatchType = iota + 1 // RFC 7396
	JSONPatch                       // RFC 6902
)

// Op is one operation on one entry. Which fields count is a matter of Kind;
// the others are zero.
type Op struct {
	Kind Kind
	Ref  Ref
	If   Precondition

	Value    value.Value       // Put
	Metadata map[string]string // Put; the other kinds keep what there is

	Patch     []byte // Patch: JSON text, canonical
	PatchType PatchType

	Increment Step // Increment

	Expiry     Expiry        // Put, Patch, Increment, Expire
	DefaultTTL time.Duration // given to what the operation creates where Expiry leaves it open; 0: none
}

// Step is what Increment adds, to which number, within what bounds. All
// numbers are canonical JSON text and exact.
type Step struct {
	Delta   []byte
	Path    value.Pointer // empty: the value itself
	Initial []byte        // what an absent number counts as; nil: it has to be there
	Min     []byte        // of the result; nil: none
	Max     []byte
}

// Precondition is what has to hold for an Op to be done. Its zero value always
// holds. The fields are And-ed.
type Precondition struct {
	Absent   bool    // fails with AlreadyExists
	Exists   bool    // fails with NotFound
	Versions []int64 // one of them is current; fails with VersionMismatch, or NotFound where there is no entry
}

// IsZero says whether it always holds.
func (p Precondition) IsZero() bool { return !p.Absent && !p.Exists && len(p.Versions) == 0 }

// IfVersion is the precondition of a compare and swap.
func IfVersion(v int64) Precondition { return Precondition{Versions: []int64{v}} }

// check holds the precondition against the entry as a reader sees it.
func (p Precondition) check(current Entry) error {
	exists := current.Exists()
	switch {
	case p.Absent && exists:
		return p.failure(AlreadyExists, current, "the entry exists, at version %d", current.Version)
	case (p.Exists || len(p.Versions) > 0) && !exists:
		return p.failure(NotFound, current, "the entry does not exist")
	case len(p.Versions) > 0 && !slices.Contains(p.Versions, current.Version):
		return p.failure(VersionMismatch, current, "the entry is at version %d", current.Version)
	}
	return nil
}

func (p Precondition) failure(code Code, current Entry, format string, args ...any) error {
	err := invalid(code, "precondition", format, args...)
	err.Ref, err.Precondition, err.Current = current.Ref, true, &current
	return err
}

// Validate refuses an operation that no state could satisfy, before any is
// read.
func (op Op) Validate(lim Limits) error {
	if err := op.Ref.Validate(); err != nil {
		return err
	}
	if op.If.Absent && (op.If.Exists || len(op.If.Versions) > 0) {
		return invalid(InvalidOperation, "precondition", "an entry can't be both absent and present")
	}
	switch op.Kind {
	case Get, Delete:
		return nil
	case Check:
		if op.If.IsZero() {
			return invalid(InvalidOperation, "precondition", "a check has a precondition")
		}
		return nil
	case Expire:
		if op.Expiry.IsUnset() || op.Expiry.Keeps() {
			return invalid(InvalidTTL, "ttl_seconds", "expire says when, or never")
		}
		return nil
	case Put:
		return op.validatePut(lim)
	case Patch:
		if len(op.Patch) == 0 || op.PatchType != MergePatch && op.PatchType != JSONPatch {
			return invalid(InvalidPatch, "patch", "a patch has a document and a type, merge or json")
		}
		return nil
	case Increment:
		return op.Increment.validate()
	}
	return invalid(InvalidOperation, "op", "an operation is one of get, put, patch, increment, expire, delete, check")
}

func (op Op) validatePut(lim Limits) error {
	if op.Value.IsZero() {
		return invalid(InvalidOperation, "value", "a put has a value")
	}
	if size := len(op.Value.Data); size > lim.MaxValueBytes {
		return invalid(TooLarge, "value", "a value has at most %d bytes, this one has %d", lim.MaxValueBytes, size)
	}
	return ValidateMetadata(op.Metadata)
}

func (s Step) validate() error {
	for _, n := range []struct {
		field string
		text  []byte
	}{{"delta", s.Delta}, {"initial", s.Initial}, {"min", s.Min}, {"max", s.Max}} {
		if n.text == nil && n.field != "delta" {
			continue
		}
		if value.KindOf(n.text) != value.Number {
			return invalid(InvalidOperation, n.field, "%s is a number", n.field)
		}
	}
	if s.Min != nil && s.Max != nil && value.Compare(s.Min, s.Max) > 0 {
		return invalid(InvalidOperation, "min", "min is at most max")
	}
	return nil
}
