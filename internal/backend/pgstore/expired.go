package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// reapRows is how many rows one transaction clears up, as expireSQL has it.
const reapRows = 1000

// expireSQL makes tombstones of what has expired, the longest ago first. Rows
// that somebody has locked are left for the next time.
const expireSQL = `
with clock as materialized (select coalesce($3::timestamptz, clock_timestamp()) as now),
ended as materialized (
	select e.table_name, e.key
	from $entries e
	where e.table_name = $1 and e.expires_at <= (select now from clock) and not e.deleted
	order by e.expires_at
	limit 1000
	for update skip locked
)
update $entries as e set
	value = null, bytes = null, version = e.version + 1, created_at = null, updated_at = greatest(e.updated_at, clock.now),
	expires_at = null, metadata = null, deleted = true, xid = pg_current_xact_id(), sequence = $2::bigint
from ended, clock
where e.table_name = ended.table_name and e.key = ended.key
returning 1`

// reapExpired makes tombstones of a table's expired entries, of all that nobody
// is writing just now.
func (s *Store) reapExpired(ctx context.Context, table string) error {
	for {
		reaped := int64(0)
		err := s.query(ctx, s.sql.expire, []any{table, newSequences(), s.now()}, func(pgx.Rows) error { reaped++; return nil })
		if err != nil {
			return err
		}
		s.tallies.reaped.Add(reaped)
		if reaped < reapRows {
			return nil
		}
	}
}
