package boltstore

import (
	"bytes"
	"context"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// Apply evaluates the batch in the writer's turn, or, where it writes nothing
// anyway, in a read transaction, which waits for nobody.
func (s *Store) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if err := b.Validate(s.options.Limits); err != nil {
		return nil, err
	}
	var results []store.Result
	if b.DryRun || !writes(b) {
		if ctx.Err() != nil {
			return nil, s.ended(ctx)
		}
		err := s.view(func(tx *bolt.Tx) (err error) {
			results, err = s.rehearse(tx, b)
			return err
		})
		return results, err
	}
	err := s.write(ctx, batchBytes(b), func(w *writeTx) (err error) {
		results, err = w.apply(b)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

func writes(b store.Batch) bool {
	for i := range b.Ops {
		if b.Ops[i].Kind.Writes() {
			return true
		}
	}
	return false
}

// batchBytes is about how much a batch writes.
func batchBytes(b store.Batch) int {
	const besides = 256 // record, orders, a key
	size := 0
	for i := range b.Ops {
		size += besides + len(b.Ops[i].Value.Data)
	}
	return size
}

// apply writes a batch, or fails before it has written anything of it.
func (w *writeTx) apply(b store.Batch) ([]store.Result, error) {
	current := make([]store.Entry, len(b.Ops))
	for i := range b.Ops {
		op := &b.Ops[i]
		t, err := w.table(op.Ref.Table)
		if err != nil {
			return nil, err
		}
		r, found, err := t.load(op.Ref.Key)
		if err != nil {
			return nil, err
		}
		current[i] = currentFor(op, &r, found, &t.state)
	}
	results, err := b.Eval(current, timeFromMicros(w.now), w.s.options.Limits)
	if err != nil {
		return nil, err
	}
	if err := w.checkUnique(b, results); err != nil {
		return nil, err
	}
	for i := range results {
		if !results[i].Changed {
			continue
		}
		t, err := w.table(b.Ops[i].Ref.Table)
		if err != nil {
			return nil, err
		}
		if err := t.put(&results[i].Entry); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// rehearse evaluates a batch and writes nothing.
func (s *Store) rehearse(tx *bolt.Tx, b store.Batch) ([]store.Result, error) {
	current := make([]store.Entry, len(b.Ops))
	for i := range b.Ops {
		op := &b.Ops[i]
		r, found, err := loadRecord(tx, op.Ref)
		if err != nil {
			return nil, err
		}
		var t tableState
		if !found {
			if t, err = readTable(tx, op.Ref.Table); err != nil {
				return nil, err
			}
		}
		current[i] = currentFor(op, &r, found, &t)
	}
	now := s.clock.micros()
	results, err := b.Eval(current, timeFromMicros(now), s.options.Limits)
	if err != nil {
		return nil, err
	}
	if err := s.checkUniqueIn(tx, b, results, now); err != nil {
		return nil, err
	}
	return results, nil
}

// currentFor is what the operation finds. Its value is its own, for it may end
// up in the result, or is left out where it can't.
func currentFor(op *store.Op, r *record, found bool, t *tableState) store.Entry {
	if !found {
		return t.unknown(op.Ref)
	}
	e := r.entry(op.Ref)
	if op.If.IsZero() && (op.Kind == store.Put || op.Kind == store.Delete) {
		e.Value.Data = nil
	} else {
		e.Value.Data = bytes.Clone(e.Value.Data)
	}
	return e
}
