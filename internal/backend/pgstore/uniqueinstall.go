package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// vacateOlderSQL takes what will be replaced out of all secondary indexes, so
// that entries may swap unique values.
const vacateOlderSQL = `
update $entries as e set deleted = true
from unnest($1::text[], $2::text[], $3::bigint[]) as i (t, k, version)
where e.table_name = i.t and e.key = i.k and e.version < i.version and not e.deleted`

// installWithCare installs what a unique index has refused row by row: it is held
// against all of them together, and not against what has expired. Where an entry
// that is not among them holds the same, that is UniqueViolation: in a database
// two entries can't, whatever the other store says.
func (s *Store) installWithCare(ctx context.Context, w *installation) error {
	cleared := make(map[string]bool)
	for i := range w.entries {
		if table := w.entries[i].Table; !cleared[table] {
			cleared[table] = true
			if err := s.reapExpired(ctx, table); err != nil {
				return err
			}
		}
	}
	w.careful = true
	err := s.transact(ctx, w)
	if isUniqueViolation(err) {
		return s.violation(ctx, store.Entry{Ref: store.Ref{Table: w.entries[0].Table}}, err)
	}
	return err
}

func (w *installation) queueVacating(flight *pgx.Batch) {
	n := len(w.entries)
	tables, keys, versions := make([]string, n), make([]string, n), make([]int64, n)
	for i := range w.entries {
		e := &w.entries[i]
		tables[i], keys[i], versions[i] = e.Table, e.Key, e.Version
	}
	flight.Queue(w.s.sql.vacateOlder, tables, keys, versions)
}
