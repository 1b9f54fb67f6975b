package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// reapChunk is how many expired entries become tombstones in one transaction.
const reapChunk = 500

// reapLoop clears up at every interval, and keeps the planner informed. Where
// nothing is due it only reads. Any number of gateways may do so on one database.
func (s *Store) reapLoop() {
	ticker := time.NewTicker(s.options.Retention.Interval)
	defer ticker.Stop()
	var renewed time.Time // when the statistics were
	for {
		select {
		case <-s.lifetime.Done():
			return
		case <-ticker.C:
		}
		if err := s.reap(s.lifetime, ""); err != nil && s.lifetime.Err() == nil {
			s.options.Logger.Error().Err(err).Msg("clearing up expired entries and tombstones failed")
		}
		if time.Since(renewed) < statisticsRest {
			continue
		}
		did, err := s.refreshStatistics(s.lifetime)
		if err != nil && s.lifetime.Err() == nil {
			s.options.Logger.Error().Err(err).Msg("renewing the planner's statistics failed")
		}
		if did || err != nil {
			renewed = time.Now()
		}
	}
}

// reap clears up a table, "" for all, until nothing is due any more that is not
// held back by somebody else.
func (s *Store) reap(ctx context.Context, table string) error {
	var due []string
	err := s.query(ctx, s.readSQL.dueTables, []any{table, s.now()}, func(rows pgx.Rows) error {
		due = append(due, string(rows.RawValues()[0]))
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range due {
		if err := s.reapExpired(ctx, name); err != nil {
			return err
		}
	}
	return s.forget(ctx, table)
}

// reapExpired makes tombstones of a table's expired entries, of all that nobody
// is writing just now.
func (s *Store) reapExpired(ctx context.Context, table string) error {
	for {
		e := &entombment{s: s, table: table, base: newSequences()}
		if err := s.transact(ctx, e); err != nil {
			return s.internal(err)
		}
		s.tallies.reaped.Add(int64(e.written))
		if e.written < reapChunk {
			return nil
		}
	}
}

// entombment is the work of making tombstones of what has expired.
type entombment struct {
	s       *Store
	table   string
	base    int64
	written int
	last    trace
}

func (e *entombment) trace() trace { return e.last }

func (e *entombment) ask(flight *pgx.Batch) {
	e.written = 0
	flight.Queue(e.s.readSQL.entomb, e.table, e.base, e.s.now(), reapChunk).Query(func(rows pgx.Rows) error {
		return drain(rows, func(rows pgx.Rows) error {
			raw := rows.RawValues()
			e.last = trace{uint64Of(raw[0]), store.Ref{Table: e.table, Key: string(raw[1])}, int64Of(raw[2])}
			e.written++
			return nil
		})
	})
}

func (e *entombment) answer(context.Context, *pgx.Conn, *pgx.Batch) (bool, error) {
	return e.written > 0, nil
}
