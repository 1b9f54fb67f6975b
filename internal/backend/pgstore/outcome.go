package pgstore

import (
	"context"
	"time"
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
// nil says that it is committed, Ambiguous that nobody knows, and the cause
// itself that it is not: the transaction may be done again.
//
// pg_xact_status has the answer (PostgreSQL's manual, 9.27.11), as long as the
// server is the same one: after a crash an id that had left no trace on disk may
// be given out a second time. Then only the row itself is believed.
func (s *Store) lookUp(ctx context.Context, was server, t trace, cause error) error {
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpFor)
	defer cancel()
	w := s.newWitness()
	defer w.close(patience)
	tick := time.NewTicker(lookUpEvery)
	defer tick.Stop()
	began, ended := time.Now(), false
	for {
		v, err := w.judge(patience, was, t)
		switch {
		case err != nil:
			s.options.Logger.Debug().Err(err).Msg("can't look up a transaction yet")
		case v == happened:
			s.tallies.lookedUp.Add(1)
			return nil
		case v == vanished:
			s.tallies.lookedUp.Add(1)
			return cause
		case v == unknowable:
			s.tallies.unknown.Add(1)
			return s.unknown(cause)
		case !ended && time.Since(began) > endAfter:
			ended = true
			if err := w.endSession(patience, t.xid); err != nil {
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

// singleServer says whether the URL names one host only. Where it names several,
// the one asked may be a standby that was promoted before it had heard of all
// that the old primary committed.
func (s *Store) singleServer() bool { return len(s.pool.Config().ConnConfig.Fallbacks) == 0 }
