package redisstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// An entry's record, the scripts know it too (lua/record.lua):
//
//	flags     1 byte
//	version   8 bytes, big-endian
//	sequence  8 bytes, of the last write
//	updated   8 bytes, µs since 1970, as are the others; a tombstone ends here
//	created   8 bytes
//	expires   8 bytes; 0 without flagExpires
//	metadata  2 bytes of length, then for each pair two texts, each with its length
//	          as uvarint; with flagMetadata
//	value     all that is left
const (
	flagDeleted  = 1
	flagBytes    = 2 // the value is opaque bytes, not JSON
	flagMetadata = 4
	flagExpires  = 8

	tombstoneBytes = 25
	headBytes      = 41
)

// errDamaged is the cause of errors about keys that do not hold what they should.
var errDamaged = errors.New("a key does not hold what larder writes")

func damagedf(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errDamaged}, args...)...)
}

// record is a stored entry. Its slices share the encoded form's memory.
type record struct {
	flags    byte
	version  int64
	sequence int64
	updated  int64 // µs since 1970, as are the others
	created  int64
	expires  int64
	metadata []byte // encoded
	value    []byte
}

func (r *record) deleted() bool { return r.flags&flagDeleted != 0 }

// mortal says whether its life has an end.
func (r *record) mortal() bool { return r.flags&flagExpires != 0 }

// exists says whether a reader sees a value at that time.
func (r *record) exists(now int64) bool {
	return !r.deleted() && (!r.mortal() || now < r.expires)
}

// decodeRecord reads a record. It allocates nothing.
func decodeRecord(b []byte) (record, error) {
	r, err := decodeHead(b)
	if err != nil || r.deleted() {
		return r, err
	}
	b = b[headBytes:]
	if r.flags&flagMetadata != 0 {
		if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
			return record{}, damagedf("an entry's metadata is cut short")
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		r.metadata, b = b[2:n], b[n:]
	}
	r.value = b
	return r, nil
}

// decodeHead reads all but metadata and value.
func decodeHead(b []byte) (record, error) {
	if len(b) < tombstoneBytes {
		return record{}, damagedf("an entry has %d bytes", len(b))
	}
	r := record{
		flags:    b[0],
		version:  int64(binary.BigEndian.Uint64(b[1:])),
		sequence: int64(binary.BigEndian.Uint64(b[9:])),
		updated:  int64(binary.BigEndian.Uint64(b[17:])),
	}
	if r.deleted() {
		return r, nil
	}
	if len(b) < headBytes {
		return record{}, damagedf("an entry has %d bytes", len(b))
	}
	r.created = int64(binary.BigEndian.Uint64(b[25:]))
	r.expires = int64(binary.BigEndian.Uint64(b[33:]))
	return r, nil
}

// entry gives the entry as it is stored.
func (r *record) entry(ref store.Ref) (store.Entry, error) {
	e := store.Entry{Ref: ref, Version: r.version, UpdatedAt: timeFromMicros(r.updated), Deleted: r.deleted()}
	if e.Deleted {
		return e, nil
	}
	e.CreatedAt = timeFromMicros(r.created)
	if r.mortal() {
		e.ExpiresAt = timeFromMicros(r.expires)
	}
	e.Value.Data = r.value
	if r.flags&flagBytes != 0 {
		e.Value.Encoding = value.Bytes
	}
	var err error
	e.Metadata, err = decodeMetadata(r.metadata)
	return e, err
}

// head is the beginning of an entry's record, its sequence still to be put in.
func head(e *store.Entry) []byte {
	b := make([]byte, headBytes)
	b[0] = tailFlags(e.Value, e.Metadata)
	if e.Deleted {
		b[0] |= flagDeleted
	}
	if !e.ExpiresAt.IsZero() {
		b[0] |= flagExpires
	}
	binary.BigEndian.PutUint64(b[1:], uint64(e.Version))
	binary.BigEndian.PutUint64(b[17:], uint64(micros(e.UpdatedAt)))
	if e.Deleted {
		return b[:tombstoneBytes]
	}
	binary.BigEndian.PutUint64(b[25:], uint64(micros(e.CreatedAt)))
	if !e.ExpiresAt.IsZero() {
		binary.BigEndian.PutUint64(b[33:], uint64(micros(e.ExpiresAt)))
	}
	return b
}

// tailFlags are the flags that say how to read a record's tail.
func tailFlags(v value.Value, metadata map[string]string) (flags byte) {
	if v.Encoding != value.JSON {
		flags |= flagBytes
	}
	if len(metadata) > 0 {
		flags |= flagMetadata
	}
	return flags
}

// appendTail appends what follows a record's head.
func appendTail(b []byte, v value.Value, metadata map[string]string) []byte {
	if len(metadata) > 0 {
		start := len(b)
		b = append(b, 0, 0)
		for _, name := range slices.Sorted(maps.Keys(metadata)) {
			b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
			b = append(binary.AppendUvarint(b, uint64(len(metadata[name]))), metadata[name]...)
		}
		binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start-2))
	}
	return append(b, v.Data...)
}

func decodeMetadata(b []byte) (map[string]string, error) {
	if len(b) == 0 {
		return nil, nil
	}
	pairs := make(map[string]string)
	for len(b) > 0 {
		var name, text string
		var err error
		if name, b, err = cutText(b); err != nil {
			return nil, err
		}
		if text, b, err = cutText(b); err != nil {
			return nil, err
		}
		pairs[name] = text
	}
	return pairs, nil
}

func cutText(b []byte) (text string, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, damagedf("an entry's metadata is cut short")
	}
	return string(b[size : size+int(n)]), b[size+int(n):], nil
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func timeFromMicros(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// ceilMicros is the first time of the records' that is not before t.
func ceilMicros(t time.Time) int64 {
	n := micros(t)
	if timeFromMicros(n).Before(t) {
		n++
	}
	return n
}
