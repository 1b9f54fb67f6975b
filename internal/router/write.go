package router

import (
	"context"

	"larder/internal/store"
)

// Apply implements [store.Store].
func (r *Router) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	ls, err := r.enter()
	if err == nil && len(ls.holds) > 0 {
		ls, err = r.admit(ctx, ls, !b.DryRun, len(b.Ops), func(i int) string { return b.Ops[i].Ref.Table })
	}
	if err != nil {
		return nil, err
	}
	defer ls.leave()
	if len(b.Ops) == 0 {
		return ls.system.Store.Apply(ctx, b)
	}
	l := ls.of(b.Ops[0].Ref.Table)
	for i := 1; i < len(b.Ops); i++ {
		if b.Ops[i].Ref.Table != b.Ops[i-1].Ref.Table && ls.of(b.Ops[i].Ref.Table) != l {
			return r.applyAcross(ctx, ls, b)
		}
	}
	return l.Store.Apply(ctx, b)
}

// applyAcross does a batch over tables of several strategies in the primary that they
// have in common.
func (r *Router) applyAcross(ctx context.Context, ls *lanes, b store.Batch) ([]store.Result, error) {
	if err := b.Validate(r.info.Limits); err != nil {
		return nil, err
	}
	primary := ls.of(b.Ops[0].Ref.Table).Primary
	elsewhere := b.Elsewhere(func(ref store.Ref) int {
		if ls.of(ref.Table).Primary == primary {
			return 0
		}
		return 1
	})
	if elsewhere != nil {
		return nil, &store.Error{
			Code: store.CrossSlot, Backend: r.info.Name, Ref: elsewhere[0].Err.Ref, Failures: elsewhere,
			Detail: "the tables of an atomic batch are in one primary; GET /routes says which are where",
		}
	}
	results, err := primary.Apply(ctx, b)
	if err != nil || b.DryRun {
		return results, err
	}
	for _, p := range split(ls, len(results), func(i int) string { return b.Ops[i].Ref.Table }) {
		if f, ok := p.lane.follower(); ok {
			f.Committed(pick(results, p.at))
		}
	}
	return results, nil
}

// Install implements [store.Store]. Entries of one strategy are installed at one moment.
func (r *Router) Install(ctx context.Context, entries []store.Entry) error {
	ls, err := r.enter()
	if err == nil && len(ls.holds) > 0 {
		ls, err = r.admit(ctx, ls, true, len(entries), func(i int) string { return entries[i].Table })
	}
	if err != nil {
		return err
	}
	defer ls.leave()
	if len(entries) == 0 {
		return ls.system.Store.Install(ctx, entries)
	}
	for i := range entries {
		if err := entries[i].Validate(); err != nil {
			return err // before a part of them is installed
		}
	}
	for _, p := range split(ls, len(entries), func(i int) string { return entries[i].Table }) {
		if err := p.lane.Store.Install(ctx, pick(entries, p.at)); err != nil {
			return err
		}
	}
	return nil
}
