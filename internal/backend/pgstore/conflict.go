package pgstore

import (
	"context"

	"larder/internal/store"
)

// conflict says what comes of a batch that the database refused. Where that is a
// unique index, what has expired and still stands in it is cleared away, and the
// batch is done with care.
func (s *Store) conflict(ctx context.Context, b store.Batch, err error) ([]store.Result, error) {
	if !isUniqueViolation(err) {
		return nil, s.internal(err)
	}
	ops := make([]*store.Op, len(b.Ops))
	cleared := make(map[string]bool)
	for i := range b.Ops {
		ops[i] = &b.Ops[i]
		if table := b.Ops[i].Ref.Table; !cleared[table] {
			cleared[table] = true
			if err := s.reapExpired(ctx, table); err != nil {
				return nil, err
			}
		}
	}
	l := s.newLockedOps(ops, true, b.DryRun)
	l.careful = true
	if err := s.transact(ctx, l); err != nil {
		return nil, s.internal(err)
	}
	s.count(1, l.changed)
	return l.results, nil
}
