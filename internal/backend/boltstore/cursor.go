package boltstore

import (
	"encoding/hex"
	"strconv"
	"strings"

	"larder/internal/store"
)

// A cursor is the file's id and the last sequence that has been read:
// "0123456789abcdef.42". One of a reader that began at the beginning and has not
// come to where the feed then ended has that sequence behind it, ".99": it need
// not know of deletions that were forgotten before.

func (s *Store) cursor(sequence int64) store.Cursor { return s.cursorSince(sequence, 0) }

// cursorSince is the cursor of a reader that began when began was the feed's
// last sequence.
func (s *Store) cursorSince(sequence, began int64) store.Cursor {
	text := s.id + "." + strconv.FormatInt(sequence, 10)
	if began > sequence {
		text += "." + strconv.FormatInt(began, 10)
	}
	return store.Cursor(text)
}

// position gives the sequences that a cursor stands for; known is false where it
// is of another file.
func (s *Store) position(c store.Cursor) (sequence, began int64, known bool, err error) {
	if c == "" {
		return 0, 0, true, nil
	}
	id, numbers, _ := strings.Cut(string(c), ".")
	number, end, reading := strings.Cut(numbers, ".")
	sequence, err = strconv.ParseInt(number, 10, 64)
	if err == nil && reading {
		began, err = strconv.ParseInt(end, 10, 64)
	}
	_, notHex := hex.DecodeString(id)
	if err != nil || sequence < 0 || notHex != nil || len(id) != len(s.id) || !strings.HasSuffix(string(s.cursorSince(sequence, began)), "."+numbers) {
		return 0, 0, false, &store.Error{Code: store.InvalidCursor, Field: "cursor", Detail: "this is not a cursor of a change feed"}
	}
	return sequence, began, id == s.id, nil
}

// compacted is the error for a cursor that can't be gone on from.
func compacted() error {
	return &store.Error{
		Code: store.Compacted, Field: "cursor",
		Detail: "deletions after this cursor are no longer known; read the table anew and follow the feed from there",
	}
}
