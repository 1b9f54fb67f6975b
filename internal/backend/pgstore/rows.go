package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// rowsSQL reads entries at one moment, in the order asked for: the feed's
// horizon, the clock, the place, the version that a new key starts above, and
// the row if there is one.
func rowsSQL(q statements) string {
	return `
select pg_snapshot_xmin(pg_current_snapshot()), coalesce($3::timestamptz, clock_timestamp()), i.n, f.floor, ` + columns + `
from unnest($1::text[], $2::text[]) with ordinality as i (t, k, n)
left join ` + q.entries + ` e on e.table_name = i.t and e.key = i.k
left join ` + q.tables + ` f on f.table_name = i.t`
}

// readRows gives the entries as they are stored, expired ones too, what there is
// of an absent one, and the clock.
func (s *Store) readRows(ctx context.Context, refs []store.Ref) (now time.Time, entries []store.Entry, err error) {
	tables, keys := columnsOf(refs)
	entries = make([]store.Entry, len(refs))
	err = s.query(ctx, s.sql.rows, []any{tables, keys, s.now()}, func(rows pgx.Rows) error {
		raw := rows.RawValues()
		now = timeOf(raw[1])
		i := int64Of(raw[2]) - 1
		if raw[4] == nil {
			floor := int64Of(raw[3])
			entries[i] = store.Entry{Ref: refs[i], Version: floor, Deleted: floor > 0}
			return nil
		}
		r, err := decodeRow(raw[4:])
		entries[i] = r.Entry
		return err
	})
	return now, entries, err
}
