package boltstore

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"larder/internal/store"
	"larder/internal/value"
)

// An entry's record, in its bucket under its key:
//
//	format    1 byte, recordFormat
//	flags     1 byte
//	version   uvarint
//	sequence  uvarint, of the last write
//	updated   varint, µs since 1970
//	created   varint, µs before updated; with flagCreated
//	expires   varint, µs after updated; with flagExpires
//	metadata  uvarint pairs, then each text with its length; with flagMetadata
//	value     all that is left
const recordFormat = 1

const (
	flagDeleted = 1 << iota
	flagBytes   // the value is opaque bytes, not JSON
	flagCreated
	flagExpires
	flagMetadata
	knownFlags = 1<<iota - 1
)

// record is a stored entry. Its slices share the encoded form's memory, which
// is bbolt's and ends with the transaction.
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

// expiredAt says whether the entry's life has ended by now, µs since 1970.
func (r *record) expiredAt(now int64) bool { return r.flags&flagExpires != 0 && now >= r.expires }

// exists says whether a reader sees a value now.
func (r *record) exists(now int64) bool { return !r.deleted() && !r.expiredAt(now) }

// encodeRecord gives the record of an entry, written with that sequence.
func encodeRecord(e *store.Entry, sequence int64) []byte {
	var flags byte
	updated := micros(e.UpdatedAt)
	if e.Deleted {
		flags |= flagDeleted
	}
	if e.Value.Encoding != value.JSON {
		flags |= flagBytes
	}
	if !e.CreatedAt.IsZero() {
		flags |= flagCreated
	}
	if !e.ExpiresAt.IsZero() {
		flags |= flagExpires
	}
	size := 2 + 5*binary.MaxVarintLen64 + len(e.Value.Data)
	if len(e.Metadata) > 0 {
		flags |= flagMetadata
		size += metadataBytes(e.Metadata)
	}
	b := append(make([]byte, 0, size), recordFormat, flags)
	b = binary.AppendUvarint(b, uint64(e.Version))
	b = binary.AppendUvarint(b, uint64(sequence))
	b = binary.AppendVarint(b, updated)
	if flags&flagCreated != 0 {
		b = binary.AppendVarint(b, updated-micros(e.CreatedAt))
	}
	if flags&flagExpires != 0 {
		b = binary.AppendVarint(b, micros(e.ExpiresAt)-updated)
	}
	if flags&flagMetadata != 0 {
		b = appendMetadata(b, e.Metadata)
	}
	return append(b, e.Value.Data...)
}

func metadataBytes(pairs map[string]string) int {
	size := binary.MaxVarintLen64
	for name, text := range pairs {
		size += 2*binary.MaxVarintLen64 + len(name) + len(text)
	}
	return size
}

func appendMetadata(b []byte, pairs map[string]string) []byte {
	b = binary.AppendUvarint(b, uint64(len(pairs)))
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
		b = append(binary.AppendUvarint(b, uint64(len(pairs[name]))), pairs[name]...)
	}
	return b
}

// decodeRecord reads a record. It allocates nothing.
func decodeRecord(b []byte) (record, error) {
	if len(b) < 2 {
		return record{}, damagedf("an entry has %d bytes", len(b))
	}
	if b[0] != recordFormat {
		return record{}, damagedf("an entry is in form %d", b[0])
	}
	r := record{flags: b[1]}
	if r.flags&^knownFlags != 0 {
		return record{}, damagedf("an entry has flags %#x", r.flags)
	}
	d := decoder{rest: b[2:]}
	r.version = int64(d.uvarint())
	r.sequence = int64(d.uvarint())
	r.updated = d.varint()
	if r.flags&flagCreated != 0 {
		r.created = r.updated - d.varint()
	}
	if r.flags&flagExpires != 0 {
		r.expires = r.updated + d.varint()
	}
	if r.flags&flagMetadata != 0 {
		start := d.rest
		for n := d.uvarint(); n > 0 && !d.failed; n-- {
			d.text()
			d.text()
		}
		r.metadata = start[:len(start)-len(d.rest)]
	}
	if d.failed {
		return record{}, damagedf("an entry is cut short")
	}
	r.value = d.rest
	return r, nil
}

// entry gives the whole entry. Its value shares the record's memory.
func (r *record) entry(ref store.Ref) store.Entry {
	e := store.Entry{
		Ref:       ref,
		Version:   r.version,
		UpdatedAt: timeFromMicros(r.updated),
		Deleted:   r.deleted(),
		Value:     r.storedValue(),
		Metadata:  decodeMetadata(r.metadata),
	}
	if r.flags&flagCreated != 0 {
		e.CreatedAt = timeFromMicros(r.created)
	}
	if r.flags&flagExpires != 0 {
		e.ExpiresAt = timeFromMicros(r.expires)
	}
	return e
}

// storedValue gives the value, none for a tombstone. It shares the record's
// memory.
func (r *record) storedValue() value.Value {
	switch {
	case r.deleted():
		return value.Value{}
	case r.flags&flagBytes != 0:
		return value.OfBytes(r.value)
	}
	return value.Value{Data: r.value}
}

// seen gives the entry as a reader sees it now, with a value of its own.
func (r *record) seen(ref store.Ref, now int64) store.Entry {
	if !r.exists(now) {
		return store.Entry{Ref: ref, Version: r.version, Deleted: true}
	}
	e := r.entry(ref)
	e.Value.Data = bytes.Clone(e.Value.Data)
	return e
}

func decodeMetadata(b []byte) map[string]string {
	if len(b) == 0 {
		return nil
	}
	d := decoder{rest: b}
	n := d.uvarint()
	pairs := make(map[string]string, min(n, store.MaxMetadataPairs))
	for range n {
		name := string(d.text())
		pairs[name] = string(d.text())
	}
	return pairs
}

// decoder takes numbers and texts off the front of rest, until it fails.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		return d.fail()
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		return int64(d.fail())
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) fail() uint64 {
	d.failed, d.rest = true, nil
	return 0
}

func (d *decoder) text() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	text := d.rest[:n]
	d.rest = d.rest[n:]
	return text
}
