package router

import (
	"context"
	"fmt"
	"time"

	"larder/internal/store"
)

// Hold is what a move of tables to another primary asks of the calls on them.
type Hold struct {
	Tables   string // a pattern
	From, To string // the primaries; a table of the pattern that has another one is no part of it
	Writes   bool   // writes wait

	// Trusted says whether this instance may go by the routes that it knows: it has heard
	// not too long ago that they still count. nil: it always may.
	Trusted func() bool
}

// heldFor is how long a write waits before it fails.
const heldFor = 5 * time.Second

// concerns says whether the calls on a table are asked.
func (h *Hold) concerns(l *Lane, table string) bool {
	primary := l.Route.Primary()
	return (primary == h.From || primary == h.To) && Matches(h.Tables, table)
}

// held says whether a call on tables has to wait, or fails.
func (ls *lanes) held(writes bool, n int, table func(i int) string) (bool, error) {
	waits := false
	for i := range n {
		name := table(i)
		if store.IsSystem(name) {
			continue
		}
		for k := range ls.holds {
			h := &ls.holds[k]
			switch {
			case !h.concerns(ls.of(name), name):
			case h.Trusted != nil && !h.Trusted():
				return false, &store.Error{
					Code: store.Unavailable, Ref: store.Ref{Table: name},
					Detail: fmt.Sprintf("%s is being moved from %s to %s, and larder has not heard for some time whether it has been; nothing was done", name, h.From, h.To),
				}
			case writes && h.Writes:
				waits = true
			}
		}
	}
	return waits, nil
}

// heldIn says whether a call that may write to any table of a primary has to wait, or fails.
func (ls *lanes) heldIn(primary string) (bool, error) {
	waits := false
	for k := range ls.holds {
		switch h := &ls.holds[k]; {
		case h.From != primary && h.To != primary:
		case h.Trusted != nil && !h.Trusted():
			return false, &store.Error{
				Code: store.Unavailable, Backend: primary,
				Detail: fmt.Sprintf("tables are being moved from %s to %s, and larder has not heard for some time whether they have been; nothing was done", h.From, h.To),
			}
		case h.Writes:
			waits = true
		}
	}
	return waits, nil
}

// admit has a call on tables that are being moved wait for as long as it has to. It gives
// the lanes to go by; where it fails there are none to leave.
func (r *Router) admit(ctx context.Context, ls *lanes, writes bool, n int, table func(i int) string) (*lanes, error) {
	if n == 0 {
		return ls, nil
	}
	return r.admitWhen(ctx, ls, table(0), func(ls *lanes) (bool, error) { return ls.held(writes, n, table) })
}

// admitWhen has a call wait for as long as held says so.
func (r *Router) admitWhen(ctx context.Context, ls *lanes, table string, held func(ls *lanes) (bool, error)) (*lanes, error) {
	var patience <-chan time.Time
	for {
		waits, err := held(ls)
		if err == nil && !waits {
			return ls, nil
		}
		ls.leave()
		if err != nil {
			return nil, err
		}
		if patience == nil {
			patience = time.After(heldFor)
		}
		select {
		case <-ls.over.Done():
		case <-patience:
			return nil, &store.Error{
				Code: store.Unavailable, Ref: store.Ref{Table: table},
				Detail: "the table is being moved to another backend, and takes no writes until it is there; nothing was written",
			}
		case <-ctx.Done():
			return nil, store.AsError(ctx.Err())
		}
		if ls, err = r.enter(); err != nil {
			return nil, err
		}
	}
}

// enterFor begins a call on a table that only reads it.
func (r *Router) enterFor(ctx context.Context, table string) (*lanes, error) {
	ls, err := r.enter()
	if err != nil || len(ls.holds) == 0 {
		return ls, err
	}
	return r.admit(ctx, ls, false, 1, func(int) string { return table })
}

// enterToWrite begins a call on a table that changes it.
func (r *Router) enterToWrite(ctx context.Context, table string) (*lanes, error) {
	ls, err := r.enter()
	if err != nil || len(ls.holds) == 0 {
		return ls, err
	}
	return r.admit(ctx, ls, true, 1, func(int) string { return table })
}

// enterToRunSQL begins a statement. Which tables one writes to is not known, so it waits
// for any that is moved from or to the primary that runs it.
func (r *Router) enterToRunSQL(ctx context.Context, q store.SQLQuery) (*lanes, error) {
	ls, err := r.enter()
	if err != nil || len(ls.holds) == 0 || !q.Writes {
		return ls, err
	}
	return r.admitWhen(ctx, ls, "", func(ls *lanes) (bool, error) {
		return ls.heldIn(first[store.SQLRunner](ls).Info().Name)
	})
}

// Settled says whether all calls have ended that began before the last Swap, but for those
// that wait for changes.
func (r *Router) Settled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgetSettled()
	return len(r.leaving) == 0
}

// forgetSettled forgets lanes on which nothing is under way, for one who holds mu.
func (r *Router) forgetSettled() {
	left := r.leaving[:0]
	for _, ls := range r.leaving {
		// In this order: whoever waits was counted as a call before, and nobody comes anew.
		if calls := ls.calls.Load(); calls > ls.waiting.Load() {
			left = append(left, ls)
		}
	}
	clear(r.leaving[len(left):])
	r.leaving = left
}
