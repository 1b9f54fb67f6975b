package router

import (
	"context"
	"sync"

	"larder/internal/store"
)

// Get implements [store.Store]. Entries of one strategy are read at one moment.
func (r *Router) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	ls, err := r.enter()
	if err == nil && len(ls.holds) > 0 {
		ls, err = r.admit(ctx, ls, false, len(refs), func(i int) string { return refs[i].Table })
	}
	if err != nil {
		return store.Read{}, err
	}
	defer ls.leave()
	if len(refs) == 0 {
		return ls.system.Store.Get(ctx, refs)
	}
	l := ls.of(refs[0].Table)
	if !together(ls, l, refs) {
		return r.getParts(ctx, ls, refs)
	}
	read, err := l.Store.Get(ctx, refs)
	read.Source.By = l.Route.Primary()
	return read, err
}

func together(ls *lanes, l *Lane, refs []store.Ref) bool {
	for i := 1; i < len(refs); i++ {
		if refs[i].Table != refs[i-1].Table && ls.of(refs[i].Table) != l {
			return false
		}
	}
	return true
}

// part is what of a call goes to one lane.
type part struct {
	lane *Lane
	at   []int // places in the call
}

// split groups the places of a call by lane.
func split(ls *lanes, n int, table func(i int) string) []part {
	var parts []part
	places := make(map[*Lane]int)
	for i := range n {
		l := ls.of(table(i))
		p, found := places[l]
		if !found {
			p = len(parts)
			places[l] = p
			parts = append(parts, part{lane: l})
		}
		parts[p].at = append(parts[p].at, i)
	}
	return parts
}

func pick[T any](all []T, at []int) []T {
	some := make([]T, len(at))
	for n, i := range at {
		some[n] = all[i]
	}
	return some
}

// getParts reads from several lanes at once. An error is of the first entry of its lane.
func (r *Router) getParts(ctx context.Context, ls *lanes, refs []store.Ref) (store.Read, error) {
	for i := range refs {
		if err := refs[i].Validate(); err != nil {
			return store.Read{}, err
		}
	}
	parts := split(ls, len(refs), func(i int) string { return refs[i].Table })
	reads := make([]store.Read, len(parts))
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for n := range parts {
		all.Go(func() { reads[n], errs[n] = parts[n].lane.Store.Get(ctx, pick(refs, parts[n].at)) })
	}
	all.Wait()
	whole := store.Read{Entries: make([]store.Entry, len(refs))}
	for n := range parts {
		if errs[n] != nil {
			e := *store.AsError(errs[n])
			if e.Ref == (store.Ref{}) {
				e.Ref = refs[parts[n].at[0]]
			}
			return store.Read{}, &e
		}
		for k, i := range parts[n].at {
			whole.Entries[i] = reads[n].Entries[k]
		}
	}
	// Horizons of one primary can be compared; with those of another there is none.
	for n := range parts {
		switch {
		case parts[n].lane.Primary != parts[0].lane.Primary:
			whole.Horizon = 0
			return whole, nil
		case n == 0 || reads[n].Horizon < whole.Horizon:
			whole.Horizon = reads[n].Horizon
		}
	}
	return whole, nil
}
