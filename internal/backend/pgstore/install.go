package pgstore

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// Install stores what another store committed, in one statement. The table's
// version floor does not count here: versions are the other store's, which may
// have reaped less.
func (s *Store) Install(ctx context.Context, entries []store.Entry) error {
	for i := range entries {
		if err := entries[i].Ref.Validate(); err != nil {
			return err
		}
		if entries[i].Version < 1 {
			return s.fail(store.InvalidOperation, "an entry to install has a version", nil)
		}
	}
	if len(entries) == 0 {
		return nil
	}
	if ctx.Err() != nil {
		return s.ended(ctx)
	}
	w := &installation{s: s, entries: newestOf(entries), base: newSequences()}
	err := s.transact(ctx, w)
	if isUniqueViolation(err) {
		err = s.installWithCare(ctx, w)
	}
	if err != nil {
		return s.internal(err)
	}
	s.tallies.entries.Add(int64(w.written))
	return nil
}

// newestOf leaves of each key what stands in place of the others, in the order of keys.
func newestOf(entries []store.Entry) []store.Entry {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b store.Entry) int {
		if order := compareRefs(a.Ref, b.Ref); order != 0 {
			return order
		}
		switch {
		case a.InPlaceOf(b.Version, b.Deleted):
			return -1
		case b.InPlaceOf(a.Version, a.Deleted):
			return 1
		}
		return 0
	})
	return slices.CompactFunc(sorted, func(a, b store.Entry) bool { return a.Ref == b.Ref })
}

// installation is the work of an Install.
type installation struct {
	s       *Store
	entries []store.Entry
	base    int64
	careful bool // see installWithCare
	xid     uint64
	first   int64 // sequence of a row that was written
	written int
}

func (w *installation) trace() trace {
	i := int(w.first-w.base)/2 - 1
	return trace{w.xid, w.entries[max(i, 0)].Ref, w.first}
}

func (w *installation) ask(flight *pgx.Batch) {
	w.written = 0
	if w.careful {
		w.queueVacating(flight)
	}
	flight.Queue(w.s.sql.install, rowColumns(w.entries, w.base)...).Query(func(rows pgx.Rows) error {
		return drain(rows, func(rows pgx.Rows) error {
			raw := rows.RawValues()
			w.first, w.xid = int64Of(raw[0]), uint64(int64Of(raw[1]))
			w.written++
			return nil
		})
	})
}

func (w *installation) answer(context.Context, *pgx.Conn, *pgx.Batch) (bool, error) {
	return w.written > 0, nil
}
