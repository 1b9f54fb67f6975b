package pgstore

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// grace is how long after a request's deadline a connection is given up. The
// server ends statements before it, which a connection survives.
const grace = time.Second

// margin is what the server's bound on a statement lies below the deadline.
func margin(left time.Duration) time.Duration { return min(left/10, 100*time.Millisecond) }

func millis(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }

// detached gives a context for talking to the server on behalf of ctx: it does
// not end when the caller goes away, for that would cost the connection, and
// ends a grace after the deadline.
func (s *Store) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := time.Now().Add(s.options.StatementTimeout)
	if at, bounded := ctx.Deadline(); bounded && at.Before(limit) {
		limit = at
	}
	return context.WithDeadline(context.WithoutCancel(ctx), limit.Add(grace))
}

// statementTimeout is what a transaction on behalf of ctx has to set; "" where
// the session's bound is close enough.
func (s *Store) statementTimeout(ctx context.Context, p *pool) string {
	bound := s.options.StatementTimeout
	at, bounded := ctx.Deadline()
	if bounded {
		left := time.Until(at)
		if left -= margin(left); left < bound {
			return millis(left)
		}
	}
	if p.pooled {
		return millis(bound)
	}
	return ""
}

// queueTimeout has the rest of a flight's transaction bounded.
func (s *Store) queueTimeout(ctx context.Context, p *pool, flight *pgx.Batch) {
	if bound := s.statementTimeout(ctx, p); bound != "" {
		flight.Queue("select set_config('statement_timeout', $1, true)", bound)
	}
}
