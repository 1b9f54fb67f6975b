package boltstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"larder/internal/store"
	"larder/internal/value"
)

// An entry's key in an index is its fields, each in the form that sorts by
// bytes (value.AppendOrdered), then its own key; behind it stands the length
// of the fields. No field's form begins another's, so what agrees in the first
// fields stands together, in the order of the rest.
//
// bbolt bounds keys, so a field longer than maxFieldBytes is cut: of its form
// the first cutBytes stay, and a hash of the whole follows. What is equal still
// is and what differs still does, so that unique indexes and equality are exact.
// The order among those that agree in the first cutBytes is not.
const (
	cutBytes      = 992
	maxFieldBytes = cutBytes + sha256.Size
)

// fieldsOf appends the fields' part of the key. indexed says whether the entry
// is in the index at all, whole whether it counts for uniqueness, long whether
// a field was cut.
func (x *index) fieldsOf(dst []byte, v value.Value) (fields []byte, indexed, whole, long bool) {
	if v.Encoding != value.JSON || len(v.Data) == 0 {
		return dst, false, false, false
	}
	whole = true
	for i, f := range x.def.Fields {
		raw, _ := f.Path.Lookup(v.Data)
		if !f.Type.Holds(raw) {
			if i == 0 {
				return dst, false, false, false
			}
			whole = false
		}
		var cut bool
		dst, cut = appendField(dst, raw)
		long = long || cut
	}
	return dst, true, whole, long
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

// indexKey joins the fields and the entry's key.
func indexKey(fields []byte, key string) []byte {
	return append(slices.Clip(fields), key...)
}

// fieldsLength is what stands behind a key in an index.
func fieldsLength(fields []byte) []byte {
	return binary.BigEndian.AppendUint16(make([]byte, 0, 2), uint16(len(fields)))
}

// splitIndexKey parts what stands in an index.
func splitIndexKey(k, v []byte) (fields, key []byte, err error) {
	if len(v) != 2 || int(binary.BigEndian.Uint16(v)) >= len(k) {
		return nil, nil, damagedf("a key in an index can't be parted")
	}
	n := binary.BigEndian.Uint16(v)
	return k[:n], k[n:], nil
}

// prefixEnd is the first string of bytes after all that begin with prefix; nil
// where there is none.
func prefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}

// violation is the error for an entry that agrees with another in a unique
// index.
func (x *index) violation(ref store.Ref, holder string) *store.Error {
	e := &store.Error{
		Code: store.UniqueViolation, Ref: ref, Field: "value", Pointer: x.def.Fields[0].Path.String(),
	}
	e.Detail = "the unique index " + x.def.Name + " holds the same for the key " + quote(holder)
	return e
}
