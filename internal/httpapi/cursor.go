package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"larder/internal/store"
)

// A cursor is a position in a list, with a checksum over that position and the
// arguments of the list it is of, so that one used with other arguments, or
// damaged on its way, is told from a good one. It is no secret and not
// signed: whoever forges one reaches no more than start= would give.
const cursorSumBytes = 9 // makes whole characters of base64

// listArguments identify a list: its operation, and each argument that decides
// what is in it and in which order.
type listArguments []string

func (a listArguments) encode(position string) string {
	sum := a.sum(position)
	return base64.RawURLEncoding.EncodeToString(append(sum, position...))
}

// decode gives the position of a cursor, "" of none. field is what the cursor
// is called in the request.
func (a listArguments) decode(field, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < cursorSumBytes || string(a.sum(string(raw[cursorSumBytes:]))) != string(raw[:cursorSumBytes]) {
		return "", &store.Error{
			Code: store.InvalidCursor, Field: field,
			Detail: "the cursor is not one that this list gave with these arguments; begin again without one",
		}
	}
	return string(raw[cursorSumBytes:]), nil
}

// sum is of every argument with its length before it, so that no two lists of
// arguments read the same.
func (a listArguments) sum(position string) []byte {
	var b strings.Builder
	for _, argument := range append(slices.Clip(a), position) {
		var size [binary.MaxVarintLen64]byte
		b.Write(size[:binary.PutUvarint(size[:], uint64(len(argument)))])
		b.WriteString(argument)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return append(make([]byte, 0, cursorSumBytes+len(position)), sum[:cursorSumBytes]...)
}
