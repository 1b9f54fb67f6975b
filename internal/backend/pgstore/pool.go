package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"larder/internal/store"
)

// pool is the connections to one server, or to one service of several.
type pool struct {
	*pgxpool.Pool
	// pooled says that something like PgBouncer stands between, which may give
	// each transaction another session.
	pooled bool
}

// server is what a connection knows of who is at its other end.
type server struct {
	started time.Time // when that server process began
}

const serverKey = "larder.server"

// serverOf is what was learned as the connection was made.
func serverOf(conn *pgx.Conn) server {
	known, _ := conn.PgConn().CustomData()[serverKey].(server)
	return known
}

// preparedStatements is how many a connection keeps. One of a query, with its
// plan, takes the server some 140 KiB, and callers may ask queries of any form.
const preparedStatements = 128

// newPool makes the pool's settings from a URL, and finds out by a first
// connection whether there is a pooler.
func (s *Store) newPool(ctx context.Context, url string) (*pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, s.fail(store.InvalidOperation, "the URL is not one of PostgreSQL, such as postgres://user@host:5432/database", hideURL(err))
	}
	o := &s.options
	cfg.ConnConfig.ConnectTimeout = o.ConnectTimeout
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "larder"
	}
	cfg.ConnConfig.StatementCacheCapacity = preparedStatements
	cfg.MinConns, cfg.MaxConns = int32(o.MinConnections), int32(o.MaxConnections)
	cfg.MaxConnIdleTime, cfg.MaxConnLifetime = o.IdleTimeout, o.Lifetime
	cfg.MaxConnLifetimeJitter = o.Lifetime / 10
	cfg.PingTimeout = time.Second
	cfg.HealthCheckPeriod = min(time.Minute, o.IdleTimeout, o.Lifetime)

	pooled, err := s.isPooled(ctx, cfg.ConnConfig)
	if err != nil {
		return nil, err
	}
	if pooled {
		cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return s.greet(ctx, conn, pooled) }
	made, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), cfg)
	if err != nil {
		return nil, s.fail(store.Internal, "the connection pool could not be made", err)
	}
	return &pool{Pool: made, pooled: pooled}, nil
}

// isPooled compares the session that the server talks of with the one that the
// protocol's greeting named: a pooler gives its own number there.
func (s *Store) isPooled(ctx context.Context, cfg *pgx.ConnConfig) (bool, error) {
	cfg = cfg.Copy()
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	ctx, cancel := context.WithTimeout(ctx, s.options.ConnectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return false, s.connectError(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing hangs on it
	var pid uint32
	if err := conn.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
		return false, s.connectError(err)
	}
	return pid != conn.PgConn().PID(), nil
}

// greet makes a new connection ready. Only where no pooler may lend the session
// to others is anything set in it. To compile statements takes longer than those
// of a gateway run, and its requests are parallel already.
func (s *Store) greet(ctx context.Context, conn *pgx.Conn, pooled bool) error {
	var known server
	sql, args := "select pg_postmaster_start_time(), set_config('statement_timeout', $1, false) || set_config('jit', 'off', false) || set_config('max_parallel_workers_per_gather', '0', false)", []any{millis(s.options.StatementTimeout)}
	if pooled {
		sql, args = "select pg_postmaster_start_time(), ''", nil
	}
	var was string
	err := conn.QueryRow(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...).Scan(&known.started, &was)
	conn.PgConn().CustomData()[serverKey] = known
	return err
}

// acquire takes a connection of the primary's pool, and waits for one in use
// only a short while: whoever asked can then still be told, and try again. One
// that is just being made is worth a longer wait.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	return s.acquireFrom(ctx, s.pool)
}

func (s *Store) acquireFrom(ctx context.Context, p *pool) (*pgxpool.Conn, error) {
	if s.isClosed() {
		return nil, s.closed()
	}
	if ctx.Err() != nil {
		return nil, s.ended(ctx)
	}
	began := time.Now()
	for {
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.AcquireTimeout)
		conn, err := p.Acquire(short)
		cancel()
		switch {
		case err == nil:
			return conn, nil
		case s.isClosed():
			return nil, s.closed()
		case !errors.Is(err, context.DeadlineExceeded):
			return nil, s.connectError(err)
		case p.Stat().ConstructingConns() == 0:
			s.tallies.exhausted.Add(1)
			return nil, s.fail(store.Unavailable, "all connections to the database are in use; nothing was done", err)
		case ctx.Err() != nil:
			return nil, s.ended(ctx)
		case time.Since(began) > s.options.ConnectTimeout:
			return nil, s.connectError(err)
		}
	}
}
