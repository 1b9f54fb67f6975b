package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long, and how often, a reader of the feed looks whether this store's own
// commits have come into it. They do as soon as no older transaction is running.
const (
	settleFor     = 2 * time.Second
	settleAtFirst = time.Millisecond
	settleAtLast  = 20 * time.Millisecond
)

// awaitHorizon waits for the horizon to pass a transaction. It is given up after
// a while, and not tried again before the horizon has moved: something stays
// open that has nothing to do with this store.
func (s *Store) awaitHorizon(ctx context.Context, xid, horizon uint64) (passed bool, err error) {
	began := time.Now()
	timer := time.NewTimer(settleAtFirst)
	defer timer.Stop()
	for every := settleAtFirst; horizon <= xid; every = min(2*every, settleAtLast) {
		if s.tailer.stalled.Load() == horizon {
			return false, nil
		}
		if time.Since(began) > settleFor {
			s.tailer.stalled.Store(horizon)
			return false, nil
		}
		timer.Reset(every)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false, s.ended(ctx)
		case <-s.lifetime.Done():
			return false, s.closed()
		}
		err := s.query(ctx, s.readSQL.horizon, nil, func(rows pgx.Rows) error {
			horizon = uint64Of(rows.RawValues()[0])
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	return true, nil
}
