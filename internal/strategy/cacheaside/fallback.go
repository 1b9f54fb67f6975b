package cacheaside

import (
	"context"
	"time"

	"larder/internal/store"
)

// suspectAfter is the age of what is known of the primary from which on it is not waited
// for where an old copy will do: its feed, which is read several times a second while
// copies are, has not been read for so long.
const suspectAfter = 2 * time.Second

// suspectPatience is how long it is waited for then, all the same.
const suspectPatience = 20 * time.Millisecond

// getOrOld reads as it is asked to or, where the primary can't serve, gives an old copy.
// The primary is not waited for long where there is one: a server that does not answer is
// down, to whoever takes an old copy.
func (s *Store) getOrOld(ctx context.Context, refs []store.Ref, fresh store.Freshness) (store.Read, error) {
	asked := fresh
	asked.IfError = 0
	within, cancel := ctx, context.CancelFunc(func() {})
	if patience, old := s.patience(refs[0], fresh); old {
		within, cancel = context.WithTimeout(ctx, patience)
	}
	read, err := s.get(within, refs, asked)
	cancel()
	if err == nil {
		return read, nil
	}
	if code := store.CodeOf(err); ctx.Err() != nil || code.Fault() != store.ServersFault {
		return store.Read{}, err
	}
	if read, ok := s.copyOf(ctx, refs[0], need{bound: fresh.IfError, version: fresh.MinVersion}); ok {
		s.figures.fallbacks.Add(1)
		return read, nil
	}
	// The primary may have copies of its own, as PostgreSQL has at its replicas.
	only := store.Freshness{IfError: fresh.IfError, MinVersion: fresh.MinVersion}
	if read, otherErr := s.primary.Get(store.WithFreshness(ctx, only), refs); otherErr == nil {
		s.figures.fallbacks.Add(1)
		return read, nil
	}
	return store.Read{}, err
}

// patience is how long to wait for the primary; old says that the memory has a copy that
// will do after that.
func (s *Store) patience(ref store.Ref, fresh store.Freshness) (patience time.Duration, old bool) {
	c, found := s.memory.get(ref)
	if !found {
		return 0, false
	}
	age, good := s.ledger.judge(c.entry(), c.horizon, c.epoch, need{bound: fresh.IfError, version: fresh.MinVersion}, time.Now())
	if age > suspectAfter {
		return suspectPatience, good
	}
	return s.options.Patience, good
}
