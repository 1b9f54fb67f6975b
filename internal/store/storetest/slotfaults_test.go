package storetest

import (
	"context"
	"slices"

	"larder/internal/store"
)

// slotFaults are faults of stores with slots.
func slotFaults() []fault {
	return []fault{
		{name: "half of a batch over slots is written", topic: Batches, slots: true, wrap: func(m *Model) store.Store {
			s := &Slotted{m}
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				results, err := s.Apply(ctx, b)
				if store.CodeOf(err) != store.CrossSlot {
					return results, err
				}
				half := slices.DeleteFunc(slices.Clone(b.Ops), func(op store.Op) bool { return s.Slot(op.Ref) != s.Slot(b.Ops[0].Ref) })
				_, _ = m.Apply(ctx, store.Batch{Ops: half, DryRun: b.DryRun}) // whatever comes of it
				return nil, err
			}}
		}},
		{name: "a dry run over slots is done", topic: Batches, slots: true, wrap: func(m *Model) store.Store {
			s := &Slotted{m}
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				if b.DryRun && slices.ContainsFunc(b.Ops, func(op store.Op) bool { return op.Kind.Writes() }) {
					return m.Apply(ctx, b)
				}
				return s.Apply(ctx, b)
			}}
		}},
		{name: "no batch over slots is refused", topic: Batches, slots: true, wrap: func(m *Model) store.Store { return m }},
		{name: "preconditions are looked at before slots", topic: Batches, slots: true, wrap: func(m *Model) store.Store {
			s := &Slotted{m}
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				if _, err := m.Apply(ctx, store.Batch{Ops: b.Ops, DryRun: true}); err != nil {
					return nil, err
				}
				return s.Apply(ctx, b)
			}}
		}},
		{name: "slots are looked at before what makes no sense", topic: Batches, slots: true, wrap: func(m *Model) store.Store {
			s := &Slotted{m}
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				if err := s.oneSlot(b); err != nil {
					return nil, err
				}
				return s.Apply(ctx, b)
			}}
		}},
		{name: "only one of the keys that lie elsewhere is named", topic: Batches, slots: true, wrap: func(m *Model) store.Store {
			s := &Slotted{m}
			return &wrong{Model: m, apply: func(ctx context.Context, b store.Batch) ([]store.Result, error) {
				results, err := s.Apply(ctx, b)
				if e := store.AsError(err); store.CodeOf(err) == store.CrossSlot {
					e.Failures = e.Failures[:1]
				}
				return results, err
			}}
		}},
		{name: "within a slot batches are done one by one", topic: Batches, slots: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, apply: oneByOne(&Slotted{m})}
		}},
		{name: "a unique index is taken that can't hold over slots", topic: Indexes, slots: true, wrap: func(m *Model) store.Store {
			return &wrong{Model: m, apply: (&Slotted{m}).Apply}
		}},
	}
}

// oneByOne does a batch that a store takes one by one.
func oneByOne(s store.Store) func(context.Context, store.Batch) ([]store.Result, error) {
	return func(ctx context.Context, b store.Batch) ([]store.Result, error) {
		gets := slices.Clone(b.Ops)
		for i := range gets {
			gets[i] = store.Op{Kind: store.Get, Ref: gets[i].Ref}
		}
		if err := b.Validate(s.Info().Limits); err != nil {
			return nil, err
		}
		if _, err := s.Apply(ctx, store.Batch{Ops: gets}); err != nil {
			return nil, err
		}
		var results []store.Result
		for i := range b.Ops {
			r, err := s.Apply(ctx, store.Batch{Ops: b.Ops[i : i+1], DryRun: b.DryRun})
			if err != nil {
				return nil, b.Fail(i, err)
			}
			results = append(results, r...)
		}
		return results, nil
	}
}
