package pgstore

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// snapshotHead is what a snapshot begins with.
const snapshotHead = `-- A snapshot of larder's storage in PostgreSQL, format 1.
--
-- To restore it, into a database with nothing in it:
--
--   LARDER_PRIMARY=postgres://... larder migrate up
--   psql --single-transaction --set ON_ERROR_STOP=1 --file THIS_FILE postgres://...
--
-- with LARDER_POSTGRES_SCHEMA set as it was, and no larder running on it. The
-- next one to start gives the storage an identity of its own, so that cursors
-- into this one's feed are refused there, and builds the indexes.

set client_encoding = 'UTF8';
`

// snapshotTail takes the storage's identity away (see identity.go).
const snapshotTail = "update %s set system_identifier = 0;\n"

// Snapshot writes the storage as it is at one moment, tombstones too, as SQL
// that psql restores; the text begins with how. It is one read-only transaction
// on a connection of its own: writes go on, and for as long as it takes VACUUM
// removes nothing that they replace.
func (s *Store) Snapshot(ctx context.Context, w io.Writer) (int64, error) {
	switch {
	case s.isClosed():
		return 0, s.closed()
	case ctx.Err() != nil:
		return 0, s.ended(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.lifetime, cancel)()
	conn, hangUp, err := s.session(ctx)
	if err != nil {
		return 0, err
	}
	defer hangUp()
	to := &counted{w: w}
	if err := s.copyOut(ctx, conn, to); err != nil {
		if to.err != nil {
			return to.n, to.err
		}
		return to.n, s.sessionError(ctx, err)
	}
	return to.n, nil
}

// copyOut writes the whole text.
func (s *Store) copyOut(ctx context.Context, conn *pgx.Conn, to *counted) error {
	for _, sql := range []string{
		"begin isolation level repeatable read read only",
		"set local statement_timeout = 0",
		"set local datestyle = 'ISO'", // which every other reads, too
		"set local timezone = 'UTC'",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(to, snapshotHead); err != nil {
		return err
	}
	for _, table := range []struct{ name, columns, selected string }{
		{s.sql.entries, "table_name, key, value, bytes, version, created_at, updated_at, expires_at, metadata, deleted, xid, sequence", ""},
		{s.sql.tables, "table_name, floor, compacted", ""},
		{s.sql.indexes, "table_name, name, definition, relation, ready", "table_name, name, definition, relation, false"},
	} {
		if table.selected == "" {
			table.selected = table.columns
		}
		if _, err := fmt.Fprintf(to, "\ncopy %s (%s) from stdin;\n", table.name, table.columns); err != nil {
			return err
		}
		tag, err := conn.PgConn().CopyTo(ctx, to, "copy (select "+table.selected+" from "+table.name+") to stdout")
		if err != nil {
			return err
		}
		if _, err := io.WriteString(to, "\\.\n-- "+strconv.FormatInt(tag.RowsAffected(), 10)+" rows\n"); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(to, "\n"+snapshotTail, s.sql.meta); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, "commit")
	return err
}

// counted counts what is written, and keeps the error of it as it is.
type counted struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
	return n, err
}
