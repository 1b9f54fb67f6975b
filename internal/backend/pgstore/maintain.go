package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"

	"larder/internal/store"
)

// Maintains knows three actions, Cleanup, Vacuum and Analyze.
func (s *Store) Maintains(action store.Action) bool {
	return action == store.Cleanup || action == store.Vacuum || action == store.Analyze
}

// Maintain cleans up one table or all. It vacuums and analyzes all, whichever
// table is named, for to the database they are one.
func (s *Store) Maintain(ctx context.Context, m store.Maintenance) error {
	switch {
	case s.isClosed():
		return s.closed()
	case ctx.Err() != nil:
		return s.ended(ctx)
	}
	switch m.Action {
	case store.Cleanup:
		return s.cleanUp(ctx, m.Table)
	case store.Vacuum:
		return s.tend(ctx, "vacuum")
	case store.Analyze:
		return s.tend(ctx, "analyze")
	}
	return s.fail(store.Unsupported, "a PostgreSQL store knows cleanup, vacuum and analyze", nil)
}

// tend runs VACUUM or ANALYZE on the tables. It may take long.
func (s *Store) tend(ctx context.Context, command string) error {
	if !s.tending.CompareAndSwap(false, true) {
		return s.fail(store.Busy, "the tables are being vacuumed or analyzed already", nil)
	}
	defer s.tending.Store(false)
	var refused *pgconn.Notice
	conn, hangUp, err := s.sessionThatHears(ctx, func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.Severity == "WARNING" {
			refused = n
		}
	})
	if err != nil {
		return err
	}
	defer hangUp()
	for _, table := range []string{s.sql.entries, s.sql.tables, s.sql.indexes} {
		if _, err := conn.Exec(ctx, command+" "+table); err != nil {
			return s.sessionError(ctx, err)
		}
		if refused != nil { // it passes over a table that is not the role's, and calls that success
			return s.fail(store.Unsupported, "the database passes over larder's tables, which its role does not own; have their owner be larder's role", (*pgconn.PgError)(refused))
		}
	}
	return nil
}
