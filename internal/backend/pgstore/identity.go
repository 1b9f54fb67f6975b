package pgstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// The feed's cursors name transactions, which mean something in one cluster of
// databases only. So the storage knows the identifier of the cluster that it was
// written in. Where that is another, it came here by a dump: all of it is then
// written anew, in the order of the feed it had, by one transaction of this
// cluster, and gets a new id, by which cursors of before are told.

const identitySQL = `
select m.system_identifier = c.system_identifier
from $meta m, pg_control_system() c`

const takeOverEntriesSQL = `
update $entries e set xid = pg_current_xact_id(), sequence = o.n * 2
from (select table_name, key, row_number() over (order by xid, sequence) as n from $entries) o
where e.table_name = o.table_name and e.key = o.key`

const takeOverTablesSQL = `update $tables set compacted = '0'`

const takeOverMetaSQL = `
update $meta set id = left(replace(gen_random_uuid()::text, '-', ''), 12),
	system_identifier = (select c.system_identifier from pg_control_system() c)`

// identify takes the storage over where it was written elsewhere. Of several
// gateways that start at once, one does so and the others wait.
func (s *Store) identify(ctx context.Context) error {
	own, err := s.isOwn(ctx, s.pool)
	if err != nil || own {
		return err
	}
	conn, hangUp, err := s.session(ctx)
	if err != nil {
		return err
	}
	defer hangUp()
	s.options.Logger.Warn().Msg("this storage was written by another database server: its feed begins anew")
	return s.sessionError(ctx, pgx.BeginTxFunc(ctx, conn, writable, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local statement_timeout = 0"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "lock table "+s.sql.entries+", "+s.sql.meta+" in exclusive mode"); err != nil {
			return err
		}
		if own, err := s.isOwn(ctx, tx); err != nil || own {
			return err
		}
		for _, sql := range s.readSQL.takeOver {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	}))
}

// writable is what taking over runs in, whatever the role's defaults are.
var writable = pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}

// isOwn compares the identifiers. Where the role may not see the cluster's, it
// is believed that nothing has been moved.
func (s *Store) isOwn(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) (own bool, err error) {
	err = db.QueryRow(ctx, s.readSQL.identity).Scan(&own)
	switch {
	case err == nil:
		return own, nil
	case sqlState(err) == stateInsufficientRights:
		s.options.Logger.Warn().Msg("the role may not call pg_control_system(): a storage that was moved here can't be told")
		return true, nil
	case errors.Is(err, pgx.ErrNoRows):
		return false, s.fail(store.Internal, "the storage has no identity: its table storage_meta is empty", err)
	}
	return false, s.sessionError(ctx, err)
}
