package pgstore

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"larder/internal/store"
)

// Apply gathers single writes with those of others (see writelanes.go). A batch
// is a transaction of its own; one of plain puts is a single statement.
func (s *Store) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if err := b.Validate(s.options.Limits); err != nil {
		return nil, err
	}
	switch {
	case !b.DryRun && !writes(b):
		return s.look(ctx, b)
	case len(b.Ops) == 1 && !b.DryRun:
		r, err := s.writes.do(ctx, &b.Ops[0])
		if err != nil {
			return nil, err
		}
		return []store.Result{r}, nil
	}
	return s.applyWhole(ctx, b)
}

func writes(b store.Batch) bool {
	return slices.ContainsFunc(b.Ops, func(op store.Op) bool { return op.Kind.Writes() })
}

// look evaluates a batch that writes nothing anyway. It reads at one moment, and
// waits for nobody.
func (s *Store) look(ctx context.Context, b store.Batch) ([]store.Result, error) {
	now, read, err := s.readRows(ctx, b.Refs())
	if err != nil {
		return nil, err
	}
	return b.Eval(read.Entries, now, s.options.Limits)
}

func (s *Store) applyWhole(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if ctx.Err() != nil {
		return nil, s.ended(ctx)
	}
	ops := make([]*store.Op, len(b.Ops))
	plain := !b.DryRun
	for i := range b.Ops {
		ops[i] = &b.Ops[i]
		plain = plain && isPlain(ops[i])
	}
	if plain {
		return s.applyPlain(ctx, b, ops)
	}
	l := s.newLockedOps(ops, true, b.DryRun)
	if err := s.transact(ctx, l); err != nil {
		return s.conflict(ctx, b, err)
	}
	s.count(1, l.changed)
	return l.results, nil
}

func (s *Store) applyPlain(ctx context.Context, b store.Batch, ops []*store.Op) ([]store.Result, error) {
	sorted := slices.Clone(ops)
	sortOps(sorted)
	p := s.newPlainPuts(sorted)
	if err := s.transact(ctx, p); err != nil {
		return s.conflict(ctx, b, err)
	}
	s.tallies.requests.Add(1)
	s.tallies.entries.Add(int64(len(ops)))
	byOp := make(map[store.Ref]store.Result, len(ops))
	for _, r := range p.results {
		byOp[r.Entry.Ref] = r
	}
	results := make([]store.Result, len(ops))
	for i, op := range ops {
		results[i] = byOp[op.Ref]
	}
	return results, nil
}

func (s *Store) count(requests int, changed []store.Entry) {
	s.tallies.requests.Add(int64(requests))
	s.tallies.entries.Add(int64(len(changed)))
}

// primaryKey is the constraint that two transactions run into which both make
// the same key.
const primaryKey = "storage_entries_pkey"

// isKeyTaken says whether somebody else has made a key that was not there when
// the transaction looked. Looking again finds it.
func isKeyTaken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == stateUniqueViolation && e.ConstraintName == primaryKey
}
