package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// clockTolerance is how far a replica's clock may be from the primary's. What
// has expired is absent by the clock of the server that is asked.
const clockTolerance = 500 * time.Millisecond

// standing is what a replica says of itself.
type standing struct {
	standby  bool
	replayed int64
	timeline int32
	system   int64
	clock    time.Time
}

// watch asks the replica how far it is until the store is closed.
func (r *replica) watch() {
	var asked *line
	defer func() {
		if asked != nil {
			asked.close(context.Background())
		}
	}()
	r.s.everyMark(func(ctx context.Context) {
		if asked == nil {
			config, err := r.connect(ctx)
			if err != nil {
				r.suspend("it can't be reached")
				return
			}
			asked = &line{config: config}
		}
		var at standing
		err := asked.ask(ctx, `
select pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn() - '0/0'::pg_lsn, 0), (select timeline_id from pg_control_checkpoint()),
	(select system_identifier from pg_control_system()), clock_timestamp()`,
			nil, &at.standby, &at.replayed, &at.timeline, &at.system, &at.clock)
		if err != nil {
			r.s.options.Logger.Debug().Err(err).Str("replica", r.name).Msg("a replica does not say how far it is")
			r.suspend("it can't be reached")
			return
		}
		r.learn(at)
	})
}

// connect makes the pool.
func (r *replica) connect(ctx context.Context) (*pgx.ConnConfig, error) {
	p, err := r.s.newPool(ctx, r.url)
	if err != nil {
		r.s.options.Logger.Debug().Err(err).Str("replica", r.name).Msg("a replica can't be reached")
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pool = p
	return p.Config().ConnConfig, nil
}

// learn takes in how far it is, and whether it is to be used.
func (r *replica) learn(at standing) {
	now := time.Now()
	mark, known := r.s.replicas.marks.latest(at.system, at.timeline, at.replayed)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch skew := at.clock.Sub(mark.clock.Add(now.Sub(mark.at))); {
	case !at.standby:
		r.excuse = "it is no standby"
	case !known:
		r.excuse = "it is not known to follow the primary, or is too far behind"
	case skew.Abs() > clockTolerance:
		r.excuse = fmt.Sprintf("its clock differs from the primary's by %v", skew.Abs().Round(time.Millisecond))
	default:
		r.excuse = ""
		r.asOf = mark.at
		return
	}
	r.asOf = time.Time{}
}
