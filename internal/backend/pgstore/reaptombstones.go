package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Tombstones are removed under a lock that no writer holds another beside, so
// that none works with a floor that is about to be raised. To keep the writers
// waiting for a moment only, what a lock is taken for is little, a lock that is
// not to be had at once is not waited for, and between two locks there is a
// while in which they have the table for themselves.
const (
	forgetChunk = 500
	forgetLock  = "50" // ms that writers wait in vain, at most
	forgetRest  = 4    // times as long as the lock was held
)

// forget removes tombstones past their retention, of a table or, for "", of all.
func (s *Store) forget(ctx context.Context, table string) error {
	args := s.forgotten(table)
	for {
		due, ready, err := s.oldTombstones(ctx, args)
		if err != nil || !due || !ready {
			return err
		}
		began := time.Now()
		gone, err := s.forgetSome(ctx, args)
		if err != nil || gone == 0 {
			return err
		}
		s.tallies.reaped.Add(gone)
		if gone < forgetChunk {
			return nil
		}
		if err := s.rest(ctx, forgetRest*time.Since(began)); err != nil {
			return err
		}
	}
}

// forgotten are the arguments that say which tombstones are old.
func (s *Store) forgotten(table string) []any {
	return []any{s.now(), table, forgetChunk, s.options.Retention.Tombstones.Microseconds()}
}

// oldTombstones says whether there are any, and whether one of them can go.
func (s *Store) oldTombstones(ctx context.Context, args []any) (due, ready bool, err error) {
	err = s.query(ctx, s.readSQL.oldTombstones, args, func(rows pgx.Rows) error {
		due = true
		return rows.Scan(&ready)
	})
	return due, ready, err
}

// forgetSome removes a portion, and says how many that were: none where the lock
// was not to be had. All of it is sent at once, so that nothing but the server's
// own work prolongs the lock.
func (s *Store) forgetSome(ctx context.Context, args []any) (gone int64, err error) {
	conn, err := s.acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	talk, cancel := s.detached(ctx)
	defer cancel()
	var flight pgx.Batch
	flight.Queue(begin)
	flight.Queue("select set_config('lock_timeout', $1, true)", forgetLock)
	flight.Queue("lock table " + s.sql.entries + " in exclusive mode")
	flight.Queue(s.readSQL.forget, args...).QueryRow(func(row pgx.Row) error {
		var tables int64
		return row.Scan(&gone, &tables)
	})
	flight.Queue("commit")
	err = conn.SendBatch(talk, &flight).Close()
	if err == nil {
		return gone, nil
	}
	err = errors.Join(err, undo(talk, conn))
	if sqlState(err) == stateLockNotAvailable {
		return 0, nil
	}
	return 0, s.internal(err)
}

// rest waits a while.
func (s *Store) rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
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

// cleanUp reaps, and waits a while for what is held back only because readers of
// the feed can't have seen it yet.
func (s *Store) cleanUp(ctx context.Context, table string) error {
	for began := time.Now(); ; {
		if err := s.reap(ctx, table); err != nil {
			return err
		}
		due, _, err := s.oldTombstones(ctx, s.forgotten(table))
		if err != nil || !due || time.Since(began) > settleFor {
			return err
		}
		if err := s.rest(ctx, settleAtLast); err != nil {
			return err
		}
	}
}
