package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
)

// formatVersion is what this code writes, and the newest that it reads.
const formatVersion = 1

// formatMagic begins the record of the format.
const formatMagic = "larder"

// The buckets that are there once, and the keys in the first of them.
var (
	metaBucket    = []byte("larder")
	tablesBucket  = []byte("tables")
	indexesBucket = []byte("indexes")

	formatKey = []byte("format")
	fileIDKey = []byte("id")
	stateKey  = []byte("state")
)

// area is one of the buckets that each table has.
type area byte

const (
	entriesArea    area = 'e'
	changesArea    area = 'c'
	expiryArea     area = 'x'
	tombstonesArea area = 'd'
	indexArea      area = 'i'
)

// bucketName names a table's bucket. buf spares the allocation.
func bucketName(buf []byte, a area, table string) []byte {
	return append(append(buf, byte(a), ':'), table...)
}

// tableBucket gives nil where nothing was ever written to that bucket.
func tableBucket(tx *bolt.Tx, a area, table string) *bolt.Bucket {
	var buf [2 + 129]byte
	return tx.Bucket(bucketName(buf[:0], a, table))
}

// fileState is what moves with every commit.
type fileState struct {
	sequence int64 // of the last write
	time     int64 // µs, the latest time the file has been written at
}

func (f fileState) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(f.sequence))
	return binary.BigEndian.AppendUint64(b, uint64(f.time))
}

func readState(tx *bolt.Tx) (fileState, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return fileState{}, errNoMeta
	}
	b := meta.Get(stateKey)
	if len(b) != 16 {
		return fileState{}, damagedf("the state has %d bytes", len(b))
	}
	return fileState{
		sequence: int64(binary.BigEndian.Uint64(b)),
		time:     int64(binary.BigEndian.Uint64(b[8:])),
	}, nil
}

// tableState is what a table's bucket contents add up to.
type tableState struct {
	live       int64 // entries, expired ones that have not been reaped too
	tombstones int64
	floor      int64 // versions up to it may have been used by keys that are gone
	compacted  int64 // the highest sequence of a tombstone that is gone
	position   int64 // µs, the time of the last change (see timedKey)
	changes    int64 // records in the order of change, stale ones too
	swept      int64 // up to where the stale ones have been looked for (see sweep.go)
}

// fields are what of it is stored, in order.
func (t *tableState) fields() [7]*int64 {
	return [...]*int64{&t.live, &t.tombstones, &t.floor, &t.compacted, &t.position, &t.changes, &t.swept}
}

// stale counts the records in the order of change that are no key's latest.
func (t *tableState) stale() int64 { return t.changes - t.live - t.tombstones }

func (t *tableState) encode() []byte {
	fields := t.fields()
	b := make([]byte, 0, len(fields)*binary.MaxVarintLen64)
	for _, n := range fields {
		b = binary.AppendVarint(b, *n)
	}
	return b
}

func decodeTableState(b []byte) (tableState, error) {
	var t tableState
	for _, n := range t.fields() {
		v, size := binary.Varint(b)
		if size <= 0 {
			return tableState{}, damagedf("a table's record is cut short")
		}
		*n, b = v, b[size:]
	}
	return t, nil
}

// readTable gives the zero state for a table that was never written.
func readTable(tx *bolt.Tx, table string) (tableState, error) {
	b := tx.Bucket(tablesBucket).Get([]byte(table))
	if b == nil {
		return tableState{}, nil
	}
	return decodeTableState(b)
}

// sequenceKey is the key in the orders of change and of tombstones.
func sequenceKey(sequence int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(sequence))
}

func sequenceOf(key []byte) (int64, error) {
	if len(key) != 8 {
		return 0, damagedf("a sequence has %d bytes", len(key))
	}
	return int64(binary.BigEndian.Uint64(key)), nil
}

// timedKey is a value in the orders of change and of tombstones, and a key in
// the order of expiry: a time, then an entry's key.
//
// In the order of change the time is the latest of any change so far in the
// table, this one included. So it only grows, even where Install brings times
// from elsewhere, and is never before the entry's own: seeking by it finds a
// place before which nothing was modified since then.
func timedKey(micros int64, key string) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(key)), orderedMicros(micros)), key...)
}

func splitTimedKey(b []byte) (micros int64, key []byte, err error) {
	if len(b) < 9 {
		return 0, nil, damagedf("a time and key have %d bytes", len(b))
	}
	return microsFromOrdered(binary.BigEndian.Uint64(b)), b[8:], nil
}

// orderedMicros orders times before 1970 before those after it.
func orderedMicros(micros int64) uint64      { return uint64(micros) ^ 1<<63 }
func microsFromOrdered(ordered uint64) int64 { return int64(ordered ^ 1<<63) }

// micros and timeFromMicros turn the domain's times into the file's and back.
func micros(t time.Time) int64              { return t.UnixMicro() }
func timeFromMicros(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// ceilMicros is the first time of the file's that is not before t.
func ceilMicros(t time.Time) int64 {
	n := micros(t)
	if timeFromMicros(n).Before(t) {
		n++
	}
	return n
}

func indexBucketName(id uint64) []byte {
	return bucketName(nil, indexArea, strconv.FormatUint(id, 10))
}

var (
	errNoMeta  = errors.New("the file has no bucket of larder's")
	errDamaged = errors.New("damaged")
)

// damagedf is for what no version of larder would have written.
func damagedf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}
