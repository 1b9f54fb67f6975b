package pgstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// columns are what decodeRow reads, in its order, of a row named e. The binary
// form of each is asked for; all of pgx's modes but the simple protocol give it.
const columns = "e.table_name, e.key, e.version, e.created_at, e.updated_at, e.expires_at, e.metadata, e.deleted, e.xid, e.sequence, e.value, e.bytes"

// keyColumns leave out what is large: the value is the text of its encoding.
const keyColumns = "e.table_name, e.key, e.version, e.created_at, e.updated_at, e.expires_at, e.metadata, e.deleted, e.xid, e.sequence, null::jsonb, case when e.bytes is null then null else ''::bytea end"

const columnCount = 12

// row is an entry as it is stored, tombstone or not.
type row struct {
	store.Entry
	xid      uint64 // of the transaction that wrote it
	sequence int64  // within that
}

// decodeRow reads the columns of a row in PostgreSQL's binary form. It copies
// what it keeps: raw is the connection's.
func decodeRow(raw [][]byte) (row, error) {
	if len(raw) < columnCount {
		return row{}, foreign(fmt.Errorf("a row has %d columns, not %d", len(raw), columnCount))
	}
	return decodeRowOf(store.Ref{Table: string(raw[0]), Key: string(raw[1])}, raw)
}

// decodeRowOf reads a row whose name is known.
func decodeRowOf(ref store.Ref, raw [][]byte) (row, error) {
	if len(raw) < columnCount {
		return row{}, foreign(fmt.Errorf("a row has %d columns, not %d", len(raw), columnCount))
	}
	r := row{Entry: store.Entry{
		Ref:     ref,
		Version: int64Of(raw[2]), CreatedAt: timeOf(raw[3]), UpdatedAt: timeOf(raw[4]), ExpiresAt: timeOf(raw[5]),
		Deleted: len(raw[7]) == 1 && raw[7][0] != 0,
	}}
	r.xid, r.sequence = uint64Of(raw[8]), int64Of(raw[9])
	var err error
	if r.Metadata, err = metadataOf(raw[6]); err != nil {
		return row{}, foreign(err)
	}
	if r.Value, err = valueOf(raw[10], raw[11]); err != nil {
		return row{}, foreign(err)
	}
	if r.Deleted {
		r.CreatedAt, r.ExpiresAt, r.Metadata, r.Value = time.Time{}, time.Time{}, nil, value.Value{}
	}
	return r, nil
}

func int64Of(raw []byte) int64 {
	if len(raw) != 8 {
		return 0 // null
	}
	return int64(binary.BigEndian.Uint64(raw))
}

// uint64Of reads an xid8.
func uint64Of(raw []byte) uint64 { return uint64(int64Of(raw)) }

// epoch is where PostgreSQL's times begin, in µs since 1970.
const epoch = 946_684_800_000_000

// timeOf reads a timestamptz; the zero time for null.
func timeOf(raw []byte) time.Time {
	if len(raw) != 8 {
		return time.Time{}
	}
	return time.UnixMicro(int64Of(raw) + epoch).UTC()
}

// jsonText gives the text of a jsonb. In binary form the number of a version, 1,
// goes before it, with which no text begins; pgx asks for either form.
func jsonText(raw []byte) []byte {
	if len(raw) > 0 && raw[0] == 1 {
		return raw[1:]
	}
	return raw
}

// foreign is the error for a row that larder can't have written.
func foreign(err error) error {
	return &store.Error{Code: store.Internal, Detail: "the database holds a row that larder did not write", Err: err}
}

// readLimits are for what the database gives back: its text of a value within
// the limits may be many times as long, for it writes exponents out.
var readLimits = value.Limits{MaxBytes: math.MaxInt, MaxDepth: math.MaxInt}

// valueOf makes a jsonb's text canonical again.
func valueOf(text, opaque []byte) (value.Value, error) {
	switch {
	case opaque != nil:
		return value.OfBytes(append(make([]byte, 0, len(opaque)), opaque...)), nil
	case text == nil:
		return value.Value{}, nil
	}
	v, err := value.Parse(jsonText(text), readLimits)
	if len(v.Data) == len(jsonText(text)) {
		v.Data = bytes.Clone(v.Data) // it was canonical, and may be the connection's memory still
	}
	return v, err
}

func metadataOf(raw []byte) (map[string]string, error) {
	if raw == nil {
		return nil, nil //nolint:nilnil // no metadata is a nil map
	}
	var m map[string]string
	err := json.Unmarshal(jsonText(raw), &m)
	return m, err
}
