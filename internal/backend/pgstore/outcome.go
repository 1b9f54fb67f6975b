package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"larder/internal/store"
)

// How long and how often an outcome is looked for.
const (
	lookUpFor   = 5 * time.Second
	lookUpEvery = 20 * time.Millisecond
	// endAfter is when a session that still has the transaction open, since it
	// has not noticed that nobody listens any more, is ended.
	endAfter = 500 * time.Millisecond
)

// verdict is what has become of a transaction.
type verdict uint8

const (
	pending verdict = iota
	happened
	vanished
	unknowable
)

// lookUp finds out what became of a transaction whose COMMIT was not answered:
// nil says that it is committed. An error that can be repeated says that it is
// not, and Ambiguous that nobody knows.
//
// pg_xact_status has the answer (PostgreSQL's manual, 9.27.11), as long as the
// server is the same one: after a crash an id that had left no trace on disk may
// be given out a second time. Then only the row itself is believed.
func (s *Store) lookUp(ctx context.Context, lost *pgxpool.Conn, t trace, cause error) error {
	was := serverOf(lost.Conn())
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpFor)
	defer cancel()
	tick := time.NewTicker(lookUpEvery)
	defer tick.Stop()
	began, ended := time.Now(), false
	for {
		v, err := s.judge(patience, was, t)
		switch {
		case err != nil:
			s.options.Logger.Debug().Err(err).Msg("can't look up a transaction yet")
		case v == happened:
			s.tallies.lookedUp.Add(1)
			return nil
		case v == vanished:
			s.tallies.lookedUp.Add(1)
			return s.fail(store.Unavailable, "the connection to the database broke before the write was committed; nothing was written", cause)
		case v == unknowable:
			s.tallies.unknown.Add(1)
			return s.unknown(cause)
		case was.pid != 0 && !ended && time.Since(began) > endAfter:
			ended = true
			err := s.query(patience, "select pg_terminate_backend($1)", []any{int32(was.pid)}, func(pgx.Rows) error { return nil })
			if err != nil {
				s.options.Logger.Warn().Err(err).Msg("a session that lost its client can't be ended")
			}
		}
		select {
		case <-tick.C:
		case <-patience.Done():
			s.tallies.unknown.Add(1)
			return s.unknown(cause)
		case <-s.lifetime.Done():
			s.tallies.unknown.Add(1)
			return s.unknown(cause)
		}
	}
}

// judge asks the server once.
func (s *Store) judge(ctx context.Context, was server, t trace) (verdict, error) {
	var status *string
	var started time.Time
	var mine, known bool
	err := s.query(ctx, `
select pg_postmaster_start_time(),
	case when $1::xid8 < pg_snapshot_xmax(pg_current_snapshot()) then pg_xact_status($1::xid8) else 'unheard of' end,
	exists (select from `+s.sql.entries+` where table_name = $2 and key = $3 and xid = $1::xid8 and sequence | 1 = $4::bigint | 1)`,
		[]any{t.xid, t.ref.Table, t.ref.Key, t.sequence},
		func(rows pgx.Rows) error { known = true; return rows.Scan(&started, &status, &mine) })
	switch {
	case err != nil:
		return pending, err
	case !known || status == nil:
		return unknowable, nil
	case mine:
		return happened, nil
	}
	same := started.Equal(was.started)
	switch *status {
	case "in progress":
		return pending, nil
	case "aborted":
		if same || s.singleServer() {
			return vanished, nil
		}
	case "committed":
		if same {
			return happened, nil
		}
	case "unheard of": // a crash took the id along: it had left nothing on disk
		if s.singleServer() {
			return vanished, nil
		}
	}
	return unknowable, nil
}

// singleServer says whether the URL names one host only. Where it names several,
// the one asked may be a standby that was promoted before it had heard of all
// that the old primary committed.
func (s *Store) singleServer() bool { return len(s.pool.Config().ConnConfig.Fallbacks) == 0 }
