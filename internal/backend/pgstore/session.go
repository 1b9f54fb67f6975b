package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// cancelPatience is how long a statement that was broken off has to end.
const cancelPatience = time.Second

// session makes a connection of its own, for what takes longer than a request
// may. Its statements are not bounded in time; where their context ends, the
// server is told to break them off. hangUp ends it.
func (s *Store) session(ctx context.Context) (conn *pgx.Conn, hangUp func(), err error) {
	return s.sessionThatHears(ctx, nil)
}

// sessionThatHears is a session whose server's notices are given to a function.
func (s *Store) sessionThatHears(ctx context.Context, notice pgconn.NoticeHandler) (conn *pgx.Conn, hangUp func(), err error) {
	if s.isClosed() {
		return nil, nil, s.closed()
	}
	cfg := s.pool.Config().ConnConfig.Copy()
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	cfg.OnNotice = notice
	cfg.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelPatience}
	}
	if conn, err = pgx.ConnectConfig(ctx, cfg); err != nil {
		return nil, nil, s.sessionError(ctx, err)
	}
	hangUp = func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelPatience)
		defer cancel()
		if err := conn.Close(bye); err != nil {
			s.options.Logger.Debug().Err(err).Msg("a connection did not end well")
		}
	}
	if s.pool.pooled {
		return conn, hangUp, nil // nothing may be set in a session that others get
	}
	if _, err := conn.Exec(ctx, "set statement_timeout = 0"); err != nil {
		hangUp()
		return nil, nil, s.sessionError(ctx, err)
	}
	return conn, hangUp, nil
}

// sessionError makes an error of the domain of one in a session, where the end
// of the caller's context shows as the server's breaking off.
func (s *Store) sessionError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case s.isClosed():
		return s.closed()
	case ctx.Err() != nil:
		return s.ended(ctx)
	}
	return s.internal(err)
}
