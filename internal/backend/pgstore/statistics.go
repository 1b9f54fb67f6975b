package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// A statement that a connection has planned for good was planned for the table
// as it was then. While that was a page or two, reading all of it was cheapest,
// and would go on to be done however many rows there are by now, until the
// table's statistics are renewed. Autovacuum does so within a minute or two; a
// table that is being filled can't wait for that.

// statisticsSQL says whether the table has grown to twice what it was when last
// analyzed. Small ones are told apart by more than a page, and the large ones are
// left to autovacuum.
const statisticsSQL = `
select c.relpages < 65536 and pg_relation_size(c.oid) / current_setting('block_size')::bigint >= 2 * greatest(c.relpages, 8)
from pg_class c where c.oid = cast($entriesName as regclass)`

// statisticsRest is how long nothing more is done after that. One that may not
// analyze the table, not being its owner, does not try all the time then.
const statisticsRest = time.Minute

// statisticsLock keeps two gateways from analyzing at once: "lard", "stat".
const statisticsLock = "select pg_try_advisory_xact_lock(1818325604, 1937006964)"

// refreshStatistics analyzes the entries where they have outgrown their
// statistics, and says whether they had.
func (s *Store) refreshStatistics(ctx context.Context) (outgrown bool, err error) {
	look := func(rows pgx.Rows) error { return rows.Scan(&outgrown) }
	if err := s.query(ctx, s.readSQL.statistics, nil, look); err != nil || !outgrown {
		return false, err
	}
	conn, hangUp, err := s.session(ctx)
	if err != nil {
		return false, err
	}
	defer hangUp()
	return true, s.sessionError(ctx, pgx.BeginTxFunc(ctx, conn, writable, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local statement_timeout = 0"); err != nil {
			return err
		}
		var mine bool
		if err := tx.QueryRow(ctx, statisticsLock).Scan(&mine); err != nil || !mine {
			return err
		}
		_, err := tx.Exec(ctx, "analyze "+s.sql.entries)
		return err
	}))
}
