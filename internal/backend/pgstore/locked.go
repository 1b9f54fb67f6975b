package pgstore

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// lockedOps is the work of operations that depend on what is there: their rows
// are locked and read, store.Eval says what comes of them, and that is written.
type lockedOps struct {
	s   *Store
	ops []*store.Op
	// whole says that they are one batch: all or none, at one moment. Else they
	// are of different requests: each may fail by itself, and of those on one
	// key each finds what the one before has left.
	whole  bool
	dryRun bool
	// careful writes one row after the other, to find out which ones a unique
	// index refuses.
	careful bool

	base     int64
	now      time.Time
	xid      uint64
	floors   map[string]int64
	current  map[store.Ref]row
	results  []store.Result
	failures []error // of each operation

	updated, inserted, changed []store.Entry // to be written: over a row, without one, both
	unused                     []store.Ref   // rows that were made and are not needed
}

func (s *Store) newLockedOps(ops []*store.Op, whole, dryRun bool) *lockedOps {
	return &lockedOps{s: s, ops: ops, whole: whole, dryRun: dryRun, base: newSequences()}
}

func (l *lockedOps) trace() trace { return trace{l.xid, l.changed[0].Ref, l.base + 2} }

// ask locks. A batch also locks the keys that are not there: what it found
// absent has to stay so until it is committed, for else no order of all batches
// could explain what they saw. The rows are read by a statement of their own,
// after all locks are held, and so at one moment.
func (l *lockedOps) ask(flight *pgx.Batch) {
	sorted := slices.Clone(l.ops)
	sortOps(sorted)
	tables, keys := refColumns(slices.CompactFunc(sorted, func(a, b *store.Op) bool { return a.Ref == b.Ref }))
	l.current = make(map[store.Ref]row, len(l.ops))
	l.floors = make(map[string]int64)
	if l.whole && len(l.ops) > 1 {
		flight.Queue(l.s.sql.placehold, tables, keys)
	}
	flight.Queue(l.s.sql.lock, tables, keys).Query(func(rows pgx.Rows) error {
		return drain(rows, func(rows pgx.Rows) error {
			r, err := decodeRow(rows.RawValues())
			l.current[r.Ref] = r
			return err
		})
	})
	flight.Queue(l.s.sql.look, slices.Compact(slices.Clone(tables)), l.s.now()).Query(func(rows pgx.Rows) error {
		return drain(rows, func(rows pgx.Rows) error {
			raw := rows.RawValues()
			l.now, l.xid = timeOf(raw[0]), uint64(int64Of(raw[1]))
			if raw[2] != nil {
				l.floors[string(raw[2])] = int64Of(raw[3])
			}
			return nil
		})
	})
}

// find is what an operation works on.
func (l *lockedOps) find(ref store.Ref) store.Entry {
	r, found := l.current[ref]
	if !found || r.Version == 0 {
		floor := l.floors[ref.Table]
		return store.Entry{Ref: ref, Version: floor, Deleted: floor > 0}
	}
	return r.Entry
}

func (l *lockedOps) answer(ctx context.Context, conn *pgx.Conn, flight *pgx.Batch) (bool, error) {
	if err := l.eval(); err != nil {
		return false, err
	}
	l.sortOut()
	switch {
	case len(l.changed) == 0:
		return false, nil
	case l.careful:
		if err := l.writeEach(ctx, conn); err != nil {
			return false, err
		}
		l.queueUnplace(flight)
		return !l.dryRun, nil
	case l.dryRun: // what the database refuses shows only when it is written
		var rehearsal pgx.Batch
		l.queueWrites(&rehearsal)
		return false, conn.SendBatch(ctx, &rehearsal).Close()
	}
	l.queueWrites(flight)
	l.queueUnplace(flight)
	return true, nil
}

func (l *lockedOps) eval() error {
	current := make([]store.Entry, len(l.ops))
	for i, op := range l.ops {
		current[i] = l.find(op.Ref)
	}
	l.results = make([]store.Result, len(l.ops))
	l.failures = make([]error, len(l.ops))
	if l.whole {
		var err error
		l.results, err = batchOf(l.ops).Eval(current, l.now, l.s.options.Limits)
		return err
	}
	left := make(map[store.Ref]store.Entry) // by those before, of the same keys
	for i, op := range l.ops {
		if e, again := left[op.Ref]; again {
			current[i] = e
		}
		results, err := store.Batch{Ops: []store.Op{*op}}.Eval(current[i:i+1], l.now, l.s.options.Limits)
		if err != nil {
			l.failures[i] = err
			continue
		}
		l.results[i] = results[0]
		if results[0].Changed {
			left[op.Ref] = results[0].Entry
		}
	}
	return nil
}

// sortOut tells apart what rows there are for the results. Of a key that several
// have written, one after the other, the last counts.
func (l *lockedOps) sortOut() {
	l.updated, l.inserted, l.unused = nil, nil, nil
	last := make(map[store.Ref]int, len(l.ops))
	for i, op := range l.ops {
		if l.results[i].Changed {
			last[op.Ref] = i
		}
	}
	for i, op := range l.ops {
		r, found := l.current[op.Ref]
		at, written := last[op.Ref]
		switch {
		case written && at != i:
		case written && found:
			l.updated = append(l.updated, l.results[i].Entry)
		case written:
			l.inserted = append(l.inserted, l.results[i].Entry)
		case found && r.Version == 0:
			l.unused = append(l.unused, op.Ref)
		}
	}
	l.changed = slices.Concat(l.updated, l.inserted)
}

func (l *lockedOps) queueWrites(flight *pgx.Batch) {
	if len(l.updated) > 0 {
		flight.Queue(l.s.sql.update, rowColumns(l.updated, l.base)...)
	}
	if len(l.inserted) > 0 {
		flight.Queue(l.s.sql.insert, rowColumns(l.inserted, l.base+int64(2*len(l.updated)))...)
	}
}

// queueUnplace takes away the rows that were made to lock a key, and are not
// needed.
func (l *lockedOps) queueUnplace(flight *pgx.Batch) {
	if len(l.unused) == 0 {
		return
	}
	tables, keys := columnsOf(l.unused)
	flight.Queue(l.s.sql.unplace, tables, keys)
}

// rowColumns are the arguments of the statements that write entries as they are
// to stand.
func rowColumns(entries []store.Entry, base int64) []any {
	n := len(entries)
	tables, keys := make([]string, n), make([]string, n)
	values, opaque, metadata := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	versions, deleted := make([]int64, n), make([]bool, n)
	created, updated, expires := make([]*time.Time, n), make([]*time.Time, n), make([]*time.Time, n)
	for i := range entries {
		e := &entries[i]
		tables[i], keys[i] = e.Table, e.Key
		values[i], opaque[i] = valueColumns(e.Value)
		versions[i], deleted[i] = e.Version, e.Deleted
		created[i], updated[i], expires[i] = timeColumn(e.CreatedAt), &e.UpdatedAt, timeColumn(e.ExpiresAt)
		metadata[i] = metadataColumn(e.Metadata)
	}
	return []any{tables, keys, values, opaque, versions, created, updated, expires, metadata, deleted, base}
}

func timeColumn(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func batchOf(ops []*store.Op) store.Batch {
	b := store.Batch{Ops: make([]store.Op, len(ops))}
	for i, op := range ops {
		b.Ops[i] = *op
	}
	return b
}
