package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// line is a connection outside of the pool, for questions that have to be asked
// while all of the pool's may be in use. It is made when it is needed, and again
// when it has broken.
type line struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn // nil: none yet, or none any more
}

// ask runs a statement that gives one row.
func (l *line) ask(ctx context.Context, sql string, args []any, into ...any) error {
	if l.conn == nil {
		conn, err := pgx.ConnectConfig(ctx, l.config)
		if err != nil {
			return hideURL(err)
		}
		l.conn = conn
	}
	err := l.conn.QueryRow(ctx, sql, args...).Scan(into...)
	if broke(err) {
		l.close(ctx)
	}
	return err
}

func (l *line) close(ctx context.Context) {
	if l.conn != nil {
		_ = l.conn.Close(context.WithoutCancel(ctx)) // it may be broken already, and nothing hangs on it
		l.conn = nil
	}
}
