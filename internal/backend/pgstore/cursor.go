package pgstore

import (
	"strconv"
	"strings"

	"larder/internal/store"
)

// place is the first position of the feed that a reader has not read yet. As a
// cursor it is "0123456789ab.1234.567", after the storage's id, and with a
// fourth number for one who is still on the way through what there was when it
// began.
type place struct {
	id       string // of the storage
	xid      uint64
	sequence int64
	// began is the horizon that a reader from the very beginning started at; 0
	// once the reader has come that far. Deletions that were forgotten before
	// then it never had to know.
	began uint64
}

// seen is how far back deletions have to be known for the reader to miss none.
func (p place) seen() uint64 { return max(p.xid, p.began) }

// after is the place past one change.
func (p place) after(r *row) place {
	return place{p.id, r.xid, r.sequence + 1, p.began}
}

func (p place) cursor() store.Cursor {
	b := append(make([]byte, 0, len(p.id)+64), p.id...)
	b = strconv.AppendUint(append(b, '.'), p.xid, 10)
	b = strconv.AppendInt(append(b, '.'), p.sequence, 10)
	if p.began > p.xid {
		b = strconv.AppendUint(append(b, '.'), p.began, 10)
	}
	return store.Cursor(b)
}

// maxIDBytes bounds a storage's id.
const maxIDBytes = 64

// parseCursor gives the place of a cursor that has its form, whichever storage
// it is of.
func parseCursor(c store.Cursor) (place, error) {
	parts := strings.Split(string(c), ".")
	if len(parts) != 3 && len(parts) != 4 || len(parts[0]) == 0 || len(parts[0]) > maxIDBytes || !isWord(parts[0]) {
		return place{}, invalidCursor()
	}
	p := place{id: parts[0]}
	var err error
	if p.xid, err = strconv.ParseUint(parts[1], 10, 64); err != nil {
		return place{}, invalidCursor()
	}
	if p.sequence, err = strconv.ParseInt(parts[2], 10, 64); err != nil || p.sequence < 0 {
		return place{}, invalidCursor()
	}
	if len(parts) == 4 {
		if p.began, err = strconv.ParseUint(parts[3], 10, 64); err != nil {
			return place{}, invalidCursor()
		}
	}
	if p.cursor() != c {
		return place{}, invalidCursor() // the same in another spelling
	}
	return p, nil
}

func isWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func invalidCursor() error {
	return &store.Error{Code: store.InvalidCursor, Field: "cursor", Detail: "this is not a cursor of a change feed"}
}

// compacted is the error for a cursor that can't be gone on from.
func compacted() error {
	return &store.Error{
		Code: store.Compacted, Field: "cursor",
		Detail: "deletions after this cursor are no longer known; read the table anew and follow the feed from there",
	}
}
