package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// lockEvery is how often a gateway asks whether another one has done with its
// index.
const lockEvery = 20 * time.Millisecond

// withIndexLock makes or drops indexes while no other gateway does: two that
// build concurrently on one table wait for each other until one is shot as a
// deadlock's victim.
//
// The lock is a transaction's, in a second session that does nothing else, since
// CREATE INDEX CONCURRENTLY runs in no transaction and a session's lock means
// nothing behind a pooler. That command waits for every transaction that had a
// snapshot as it began. The holder's had its last before; by the extended
// protocol the answer's portal would stay open, and the snapshot with it.
func (s *Store) withIndexLock(ctx context.Context, work func(ctx context.Context, conn *pgx.Conn) error) error {
	holder, hangUp, err := s.session(ctx)
	if err != nil {
		return err
	}
	defer hangUp()
	if err := s.pollIndexLock(ctx, holder.PgConn()); err != nil {
		return err
	}
	conn, hangUpToo, err := s.session(ctx)
	if err != nil {
		return err
	}
	defer hangUpToo()
	return s.sessionError(ctx, work(ctx, conn))
}

// pollIndexLock asks for the lock, each time in a transaction of its own: one
// that waits, or goes on asking, is waited for by the one that has the lock.
func (s *Store) pollIndexLock(ctx context.Context, holder *pgconn.PgConn) error {
	ask := "begin isolation level read committed; set local idle_in_transaction_session_timeout = 0;" +
		"select pg_try_advisory_xact_lock(hashtextextended(" + literal("larder indexes in "+s.options.Schema) + ", 0))"
	tick := time.NewTicker(lockEvery)
	defer tick.Stop()
	for {
		answers, err := holder.Exec(ctx, ask).ReadAll()
		if err != nil {
			return s.sessionError(ctx, err)
		}
		if got := answers[len(answers)-1].Rows; len(got) == 1 && string(got[0][0]) == "t" {
			return nil
		}
		if _, err := holder.Exec(ctx, "rollback").ReadAll(); err != nil {
			return s.sessionError(ctx, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return s.sessionError(ctx, ctx.Err())
		}
	}
}
