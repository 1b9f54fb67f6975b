package pgstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"larder/internal/store"
)

// A unique index of PostgreSQL is checked row by row, and says of one row that
// it can't be. larder's are held against the state after a batch as a whole, so
// that two entries may swap values, and a failed batch names every operation
// that failed. So what an index refuses is done once more with care: first all
// rows that change are taken out of the indexes, then each is put in, with a
// savepoint before it.

// writeEach writes the rows one by one. What a unique index refuses fails the
// batch, and every such operation is named.
func (l *lockedOps) writeEach(ctx context.Context, conn *pgx.Conn) error {
	refs := make([]store.Ref, len(l.updated))
	for i := range l.updated {
		refs[i] = l.updated[i].Ref
	}
	tables, keys := columnsOf(refs)
	if _, err := conn.Exec(ctx, l.s.sql.vacate, tables, keys); err != nil {
		return err
	}
	var failures []store.Failure
	for i := range l.results {
		if !l.results[i].Changed {
			continue
		}
		err := l.writeOne(ctx, conn, l.results[i].Entry, int64(2*i))
		switch {
		case err == nil:
		case isUniqueViolation(err):
			failures = append(failures, store.Failure{Index: i, Err: l.s.violation(ctx, l.results[i].Entry, err)})
		default:
			return err
		}
	}
	return batchOf(l.ops).Failed(failures)
}

func (l *lockedOps) writeOne(ctx context.Context, conn *pgx.Conn, e store.Entry, sequence int64) error {
	statement := l.s.sql.insert
	if _, found := l.current[e.Ref]; found {
		statement = l.s.sql.update
	}
	var try pgx.Batch
	try.Queue("savepoint one")
	try.Queue(statement, rowColumns([]store.Entry{e}, l.base+sequence)...)
	try.Queue("release savepoint one")
	err := conn.SendBatch(ctx, &try).Close()
	if err == nil || broke(err) {
		return err
	}
	_, undone := conn.Exec(ctx, "rollback to savepoint one")
	return errors.Join(err, undone)
}

// isUniqueViolation says whether one of larder's secondary indexes refuses a row.
func isUniqueViolation(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == stateUniqueViolation && e.ConstraintName != primaryKey
}
