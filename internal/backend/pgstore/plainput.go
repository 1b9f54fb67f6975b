package pgstore

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"larder/internal/store"
	"larder/internal/value"
)

// isPlain says whether an operation asks nothing of what is there, so that the
// server can do it in one statement: a put without a precondition, whose life
// is told from now on. All else is evaluated by store.Eval.
func isPlain(op *store.Op) bool {
	if op.Kind != store.Put || !op.If.IsZero() {
		return false
	}
	life, within := op.Expiry.Duration()
	return op.Expiry.IsUnset() || op.Expiry.Never() || within && life >= time.Microsecond && life <= store.MaxTTL
}

// plainPuts is the work of storing values whatever was there.
type plainPuts struct {
	s       *Store
	ops     []*store.Op // sorted, no key twice
	base    int64       // of the sequences
	xid     uint64
	results []store.Result
}

func (s *Store) newPlainPuts(ops []*store.Op) *plainPuts {
	return &plainPuts{s: s, ops: ops, base: newSequences(), results: make([]store.Result, len(ops))}
}

// newSequences is where the sequences of a transaction begin: at random, so that
// they show whose they are, and even.
func newSequences() int64 { return rand.Int64N(1<<62) &^ 1 }

func (p *plainPuts) trace() trace { return trace{p.xid, p.ops[0].Ref, p.base + 2} }

func (p *plainPuts) ask(flight *pgx.Batch) {
	tables, keys := refColumns(p.ops)
	values := make([][]byte, len(p.ops))
	opaque := make([][]byte, len(p.ops))
	lives := make([]pgtype.Int8, len(p.ops))
	metadata := make([][]byte, len(p.ops))
	for i, op := range p.ops {
		values[i], opaque[i] = valueColumns(op.Value)
		lives[i] = lifeOf(op)
		metadata[i] = metadataColumn(op.Metadata)
	}
	flight.Queue(p.s.sql.upsert, tables, keys, values, opaque, lives, metadata, p.base, p.s.now()).Query(p.read)
}

// read takes what stands now. Rows come in the order they were written in.
func (p *plainPuts) read(rows pgx.Rows) error {
	n := 0
	for rows.Next() {
		raw := rows.RawValues()
		sequence := int64Of(raw[0])
		i := int(sequence-p.base)/2 - 1
		if i < 0 || i >= len(p.ops) {
			return p.s.fail(store.Internal, "the database returned a row that was not written", nil)
		}
		op := p.ops[i]
		p.results[i] = store.Result{
			Entry: store.Entry{
				Ref: op.Ref, Value: op.Value, Version: int64Of(raw[1]), Metadata: op.Metadata,
				CreatedAt: timeOf(raw[2]), UpdatedAt: timeOf(raw[3]), ExpiresAt: timeOf(raw[4]),
			},
			Changed: true, Created: sequence&1 == 0,
		}
		p.xid = uint64(int64Of(raw[5]))
		n++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n != len(p.ops) {
		return p.s.fail(store.Internal, "the database did not write all rows", nil)
	}
	return nil
}

func (p *plainPuts) answer(context.Context, *pgx.Conn, *pgx.Batch) (bool, error) { return true, nil }

// lifeOf is how long an entry is to live in µs, null for ever.
func lifeOf(op *store.Op) pgtype.Int8 {
	life, within := op.Expiry.Duration()
	if !within && op.Expiry.IsUnset() {
		life, within = op.DefaultTTL, op.DefaultTTL > 0
	}
	return pgtype.Int8{Int64: life.Microseconds(), Valid: within}
}

// now is the clock of the tests; null for the database's own.
func (s *Store) now() *time.Time {
	if s.options.Now == nil {
		return nil
	}
	now := s.options.Now().UTC().Truncate(time.Microsecond)
	return &now
}

// sortOps puts operations into the order in which rows are locked.
func sortOps(ops []*store.Op) {
	slices.SortFunc(ops, func(a, b *store.Op) int { return compareRefs(a.Ref, b.Ref) })
}

func compareRefs(a, b store.Ref) int {
	if order := strings.Compare(a.Table, b.Table); order != 0 {
		return order
	}
	return strings.Compare(a.Key, b.Key)
}

func refColumns(ops []*store.Op) (tables, keys []string) {
	tables, keys = make([]string, len(ops)), make([]string, len(ops))
	for i, op := range ops {
		tables[i], keys[i] = op.Ref.Table, op.Ref.Key
	}
	return tables, keys
}

func columnsOf(refs []store.Ref) (tables, keys []string) {
	tables, keys = make([]string, len(refs)), make([]string, len(refs))
	for i, ref := range refs {
		tables[i], keys[i] = ref.Table, ref.Key
	}
	return tables, keys
}

func valueColumns(v value.Value) (text, opaque []byte) {
	switch {
	case v.Encoding == value.Bytes && v.Data == nil:
		return nil, []byte{}
	case v.Encoding == value.Bytes:
		return nil, v.Data
	case v.IsZero():
		return nil, nil
	}
	return v.Data, nil
}

func metadataColumn(m map[string]string) []byte {
	if len(m) == 0 {
		return nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // a map of strings has a JSON form
	}
	return text
}
