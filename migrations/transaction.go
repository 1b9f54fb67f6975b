package migrations

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/jackc/pgx/v5"
)

// transaction is what a migration runs in, whatever the role's defaults are:
// under a stricter isolation the version would be read as it was before the
// lock.
var transaction = pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}

// settings are for that transaction alone. A migration takes as long as it
// takes; names without a schema are PostgreSQL's own.
const settings = "set local statement_timeout = 0; set local search_path = ''"

// lockClass is the first half of the lock's key: "lard". Keys of two halves
// are a space of their own.
const lockClass = 0x6c617264

// oneOff runs a statement with arguments without leaving a prepared one in the
// session, which may be a pooler's.
const oneOff = pgx.QueryExecModeExec

func tryLock(ctx context.Context, tx pgx.Tx, schema string) (taken bool, err error) {
	sum := fnv.New32a()
	sum.Write([]byte(schema))
	err = tx.QueryRow(ctx, "select pg_try_advisory_xact_lock($1::int4, $2::int4)", oneOff, int32(lockClass), int32(sum.Sum32())).Scan(&taken)
	if err != nil {
		return false, fmt.Errorf("migrations: taking the lock: %w", err)
	}
	return taken, nil
}

// readVersion gives the version of a schema, 0 where there is none.
func readVersion(ctx context.Context, tx pgx.Tx, schema string) (version int, err error) {
	known, err := exists(ctx, tx, "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2)", schema, VersionTable)
	if err != nil || !known {
		return 0, err
	}
	if err := tx.QueryRow(ctx, "select version from "+quote(schema, VersionTable), oneOff).Scan(&version); err != nil {
		return 0, fmt.Errorf("migrations: reading the version: %w", err)
	}
	return version, nil
}

func writeVersion(ctx context.Context, tx pgx.Tx, schema string, version int) error {
	table := quote(schema, VersionTable)
	written, err := tx.Exec(ctx, "update "+table+" set version = $1::int4", oneOff, version)
	if err != nil {
		return fmt.Errorf("migrations: recording version %d: %w", version, err)
	}
	if written.RowsAffected() != 1 {
		return fmt.Errorf("migrations: %s has %d rows, want 1", table, written.RowsAffected())
	}
	return nil
}

// Oldest is the oldest server that larder works on, as server_version_num
// tells it: transaction ids of 64 bits came with it.
const Oldest = 130000

// found prepares what the first migration stands on: a server that fits, the
// schema, and the version table. A schema that is there is taken as it is, so
// that a role without the right to make one can be given one.
func found(ctx context.Context, tx pgx.Tx, schema string) error {
	var server int
	var encoding string
	err := tx.QueryRow(ctx, "select current_setting('server_version_num')::int4, current_setting('server_encoding')", oneOff).Scan(&server, &encoding)
	switch {
	case err != nil:
		return fmt.Errorf("migrations: asking what server it is: %w", err)
	case server < Oldest:
		return &UnfitError{Reason: fmt.Sprintf("the server is PostgreSQL %d; it has to be %d or newer", server/10000, Oldest/10000)}
	case encoding != "UTF8":
		return &UnfitError{Reason: fmt.Sprintf("the database's encoding is %s; make one with encoding 'UTF8'", encoding)}
	}
	present, err := exists(ctx, tx, "select exists (select from pg_namespace where nspname = $1)", schema)
	if err != nil {
		return err
	}
	if !present {
		if _, err := tx.Exec(ctx, "create schema "+quote(schema)); err != nil {
			return fmt.Errorf("migrations: making the schema: %w", err)
		}
	}
	table := quote(schema, VersionTable)
	sql := fmt.Sprintf("create table if not exists %s (version int4 not null); insert into %s select 0 where not exists (select from %s)", table, table, table)
	if _, err := tx.Exec(ctx, sql); err != nil {
		return fmt.Errorf("migrations: making %s: %w", table, err)
	}
	return nil
}

func exists(ctx context.Context, tx pgx.Tx, sql string, arguments ...any) (is bool, err error) {
	if err := tx.QueryRow(ctx, sql, append([]any{oneOff}, arguments...)...).Scan(&is); err != nil {
		return false, fmt.Errorf("migrations: reading the catalog: %w", err)
	}
	return is, nil
}
