package redisstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"larder/internal/store"
)

// evaluated reads what the batch touches, evaluates it, and writes what comes of
// it if what was read still stands; else all over again. Batches of this process
// that would only get in each other's way wait for each other.
func (w *writing) evaluated(ctx context.Context) (results []store.Result, err error) {
	if !w.writes() {
		return w.attempts(ctx)
	}
	err = w.s.inTurn(ctx, w.shard, w.refs, func() error {
		results, err = w.attempts(ctx)
		return err
	})
	return results, err
}

func (w *writing) attempts(ctx context.Context) ([]store.Result, error) {
	for attempt := 0; ; attempt++ {
		if attempt > 0 {
			w.s.tallies.repeated.Add(1)
			if err := w.s.pause(ctx, attempt); err != nil {
				return nil, err
			}
		}
		results, done, err := w.attempt(ctx)
		if done || err != nil {
			return results, err
		}
	}
}

// attempt is done where it came to an end, and not where another was in between.
func (w *writing) attempt(ctx context.Context) (results []store.Result, done bool, err error) {
	found, err := w.s.load(ctx, w.link, w.shard, w.refs)
	if err != nil {
		return nil, false, err
	}
	current, err := found.entries()
	if err != nil {
		return nil, false, w.s.damage(err)
	}
	results, err = w.batch.Eval(current, timeFromMicros(found.now), w.s.options.Limits)
	if err != nil {
		return nil, false, err
	}
	c := &commit{s: w.s, link: w.link, shard: w.shard, found: found, dry: w.batch.DryRun, frees: w.onlyDeletes()}
	changes := false
	for i := range results {
		if results[i].Changed {
			changes = true
			c.put(i, results[i].Entry)
		}
	}
	if !changes {
		return results, true, nil
	}
	switch err := c.do(ctx); {
	case errors.Is(err, errMoved):
		return nil, false, nil
	case err != nil:
		return nil, false, w.refused(err)
	}
	w.s.tallies.commits.Add(1)
	return results, true, nil
}

// refused says which of the batch's operations a unique index refuses.
func (w *writing) refused(err error) error {
	taken, ok := errors.AsType[*takenError](err)
	if !ok {
		return err
	}
	return w.batch.Fail(taken.at, taken.err)
}

// pause waits before another attempt: not at all at first, then ever longer, up
// to some 20 ms, by chance, so that those who met part.
func (s *Store) pause(ctx context.Context, attempt int) error {
	if attempt == 1 && ctx.Err() == nil {
		return nil
	}
	most := min(20*time.Millisecond, time.Millisecond<<min(attempt, 10)>>1)
	timer := time.NewTimer(rand.N(most))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return s.ended(ctx)
	case <-s.lifetime.Done():
		return s.closed()
	}
}
