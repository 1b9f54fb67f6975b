package boltstore

import (
	"encoding/binary"
	"slices"
)

// A key in an index's bucket is the entry's fields (see sortedindex), then its
// own key; what stands under it is the length of the fields.

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
