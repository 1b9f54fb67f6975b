package pgstore

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"larder/internal/store"
)

// plannedOnce is a statement that is planned for its arguments alone, as psql
// would have it: a plan that fits all of them may fit none.
type plannedOnce struct {
	sql  string
	args [][]byte // in text form
}

// planSettings hold for the transaction only. JIT compiling costs more than it
// saves on statements of this size, and a gateway's requests are parallel
// already.
const planSettings = "select set_config('statement_timeout', $1, true), set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)"

// runPlanned runs a statement in one flight and gives each row, in binary form,
// to the function. A connection that turns out broken before anything came is
// replaced, once.
func (s *Store) runPlanned(ctx context.Context, p *pool, q plannedOnce, each func(raw [][]byte) error) error {
	for attempt := 0; ; attempt++ {
		seen := false
		err := s.runPlannedOnce(ctx, p, q, func(raw [][]byte) error { seen = true; return each(raw) })
		if err == nil || seen || attempt > 0 || !broke(err) || ctx.Err() != nil || isDomain(err) {
			return s.internal(err)
		}
	}
}

func (s *Store) runPlannedOnce(ctx context.Context, p *pool, q plannedOnce, each func(raw [][]byte) error) error {
	conn, err := s.acquireFrom(ctx, p)
	if err != nil {
		return err
	}
	defer conn.Release()
	talk, cancel := s.detached(ctx)
	defer cancel()
	bound := cmp.Or(s.statementTimeout(ctx, p), millis(s.options.StatementTimeout))
	flight := conn.Conn().PgConn().StartPipeline(talk)
	flight.SendQueryParams(planSettings, [][]byte{[]byte(bound)}, nil, nil, nil)
	flight.SendQueryParams(q.sql, q.args, nil, nil, []int16{1})
	err = flight.Sync()
	if err == nil {
		err = drainFlight(flight, each)
	}
	if closed := flight.Close(); err == nil {
		err = closed
	}
	return err
}

// drainFlight reads the answers to the settings and to the statement.
func drainFlight(flight *pgconn.Pipeline, each func(raw [][]byte) error) error {
	for n := 0; ; n++ {
		answer, err := flight.GetResults()
		if err != nil {
			return err
		}
		switch answer := answer.(type) {
		case *pgconn.ResultReader:
			var failed error
			for answer.NextRow() {
				if n > 0 && failed == nil {
					failed = each(answer.Values())
				}
			}
			_, closed := answer.Close()
			if err := errors.Join(failed, closed); err != nil {
				return err
			}
		case *pgconn.PipelineSync:
			return nil
		default:
			return &store.Error{Code: store.Internal, Detail: "the database left a statement unanswered"}
		}
	}
}
