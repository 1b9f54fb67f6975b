package pgstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"larder/internal/store"
)

// work is what a transaction does, in two flights. It may be asked to begin
// anew: what failed has left nothing behind.
type work interface {
	// ask puts into the first flight what locks and reads.
	ask(flight *pgx.Batch)
	// answer puts into the second what writes, when the first has been answered.
	// What has to be tried out is done on the connection before. Where it fails,
	// or there is nothing to commit, all is undone.
	answer(ctx context.Context, conn *pgx.Conn, flight *pgx.Batch) (commits bool, err error)
	// trace is where to look whether the transaction has been committed.
	trace() trace
}

// trace is what a transaction leaves that no other could have: its id, and of
// one row it wrote the sequence.
type trace struct {
	xid      uint64
	ref      store.Ref
	sequence int64
}

// begin opens a transaction that sees at each statement what is committed by
// then, as all of this depends on, whatever the database's defaults are.
const begin = "begin isolation level read committed, read write"

// attempts bounds how often a transaction is begun. Only what has surely left
// nothing behind is begun again.
const attempts = 6

// transact does the work in a transaction of its own. The error is one of the
// domain where the work failed or the outcome is not known, and else tells that
// nothing was written.
func (s *Store) transact(ctx context.Context, w work) error {
	for attempt := 1; ; attempt++ {
		err := s.transactOnce(ctx, w)
		if err == nil || isDomain(err) || attempt == attempts || !s.worthRepeating(err) {
			return err
		}
		s.tallies.repeated.Add(1)
		if err := s.pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (s *Store) worthRepeating(err error) bool {
	if sqlState(err) == stateReadOnly {
		s.pool.Reset() // a server that is no longer the primary: look for the one that is
		return true
	}
	return again(err) || broke(err) || isKeyTaken(err)
}

// pause waits a random while, longer each time, so that those who got into each
// other's way don't do so again.
func (s *Store) pause(ctx context.Context, attempt int) error {
	most := time.Millisecond << attempt
	timer := time.NewTimer(rand.N(most))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return s.ended(ctx)
	case <-s.lifetime.Done():
		return s.closed()
	}
}

func (s *Store) transactOnce(ctx context.Context, w work) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	talk, cancel := s.detached(ctx)
	defer cancel()

	var first pgx.Batch
	first.Queue(begin)
	s.queueTimeout(ctx, s.pool, &first)
	w.ask(&first)
	if err := conn.SendBatch(talk, &first).Close(); err != nil {
		return errors.Join(err, undo(talk, conn))
	}
	var second pgx.Batch
	commits, err := w.answer(talk, conn.Conn(), &second)
	if err != nil || !commits {
		return errors.Join(err, undo(talk, conn))
	}
	committed := false
	second.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		committed = tag.String() == "COMMIT"
		return nil
	})
	err = conn.SendBatch(talk, &second).Close()
	switch {
	case err == nil && committed:
	case err == nil:
		return s.fail(store.Internal, "the database rolled a transaction back without saying why; nothing was written", nil)
	case broke(err):
		was := serverOf(conn.Conn())
		conn.Release() // makes room for one to ask on
		if err := s.lookUp(ctx, was, w.trace(), err); err != nil {
			return err
		}
	default:
		return errors.Join(err, undo(talk, conn))
	}
	s.tallies.commits.Add(1)
	s.tailer.committed(w.trace().xid)
	return nil
}

// undo rolls back, so that the connection can be used again. One that is broken
// needs no such thing, and its error says nothing new.
func undo(ctx context.Context, conn *pgxpool.Conn) error {
	if conn.Conn().IsClosed() {
		return nil
	}
	if _, err := conn.Exec(ctx, "rollback", pgx.QueryExecModeExec); err != nil && !broke(err) {
		return err
	}
	return nil
}
