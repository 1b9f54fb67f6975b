package sortedindex

import (
	"crypto/sha256"
	"fmt"

	"larder/internal/store"
	"larder/internal/value"
)

// A field longer than maxFieldBytes is cut, and is then as long as that.
const (
	cutBytes      = 992
	maxFieldBytes = cutBytes + sha256.Size
)

// Index is a secondary index of a table as it was defined. Def.Ready and
// Def.Entries mean nothing here: how far an index has come changes with every
// write, and the store knows.
type Index struct {
	Table string
	Def   store.Index
}

// Place is where a value stands in an index.
type Place struct {
	Fields  []byte // the key's part before the entry's own key; nil where not Indexed
	Indexed bool   // the value is in the index at all
	Whole   bool   // it counts for uniqueness: every field holds its declared type
	Long    bool   // a field was cut, so the index is long from then on
}

// Place gives where a value stands. A zero value stands nowhere.
func (x *Index) Place(v value.Value) Place {
	if v.Encoding != value.JSON || len(v.Data) == 0 {
		return Place{}
	}
	p := Place{Indexed: true, Whole: true}
	for i, f := range x.Def.Fields {
		raw, _ := f.Path.Lookup(v.Data)
		if !f.Type.Holds(raw) {
			if i == 0 {
				return Place{}
			}
			p.Whole = false
		}
		var cut bool
		p.Fields, cut = appendField(p.Fields, raw)
		p.Long = p.Long || cut
	}
	return p
}

// Violation is the error for an entry that agrees with another, the holder, in
// a unique index.
func (x *Index) Violation(ref store.Ref, holder string) *store.Error {
	return &store.Error{
		Code: store.UniqueViolation, Ref: ref, Field: "value", Pointer: x.Def.Fields[0].Path.String(),
		Detail: fmt.Sprintf("the unique index %s holds the same for the key %q", x.Def.Name, holder),
	}
}

func appendField(dst, raw []byte) (_ []byte, cut bool) {
	start := len(dst)
	dst = value.AppendOrdered(dst, raw)
	if len(dst)-start <= maxFieldBytes {
		return dst, false
	}
	hash := sha256.Sum256(dst[start:])
	return append(dst[:start+cutBytes], hash[:]...), true
}

// appendBound appends what is not above, and agrees as far as it goes with, the
// form of any field that is at least raw.
func appendBound(dst, raw []byte) []byte {
	start := len(dst)
	dst = value.AppendOrdered(dst, raw)
	if len(dst)-start > cutBytes {
		dst = dst[:start+cutBytes]
	}
	return dst
}
