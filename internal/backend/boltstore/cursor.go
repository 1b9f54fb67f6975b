package boltstore

import (
	"encoding/hex"
	"strconv"
	"strings"

	"larder/internal/store"
)

// A cursor is the file's id and the last sequence that has been read:
// "0123456789abcdef.42".

func (s *Store) cursor(sequence int64) store.Cursor {
	return store.Cursor(s.id + "." + strconv.FormatInt(sequence, 10))
}

// position gives the sequence that a cursor stands for; known is false where it
// is of another file.
func (s *Store) position(c store.Cursor) (sequence int64, known bool, err error) {
	if c == "" {
		return 0, true, nil
	}
	id, number, _ := strings.Cut(string(c), ".")
	sequence, err = strconv.ParseInt(number, 10, 64)
	if _, notHex := hex.DecodeString(id); err != nil || sequence < 0 || notHex != nil || len(id) != len(s.id) || strconv.FormatInt(sequence, 10) != number {
		return 0, false, &store.Error{Code: store.InvalidCursor, Field: "cursor", Detail: "this is not a cursor of a change feed"}
	}
	return sequence, id == s.id, nil
}

// compacted is the error for a cursor that can't be gone on from.
func compacted() error {
	return &store.Error{
		Code: store.Compacted, Field: "cursor",
		Detail: "deletions after this cursor are no longer known; read the table anew and follow the feed from there",
	}
}
