package lineage

import (
	"context"
	"fmt"
	"slices"

	"larder/internal/store"
)

// Promotion says who takes whose place.
type Promotion struct {
	Name     string
	Replaces []string
	System   string                    // the member that has the system tables so far
	Places   map[string][]store.Cursor // how far Name had come in the feeds of those
}

// Promote has a member take the place of others, for good. Once it returns without an error
// the promoted member has the claim, and survives with it. It fails with Unavailable where
// that member can't be reached, with Fenced where it is fenced itself, and with Busy where
// somebody else promotes at the same time; with Ambiguous where it may have come to pass:
// then it may be done again.
func (k *Keeper) Promote(ctx context.Context, p Promotion) (Claim, error) {
	k.changing.Lock()
	defer k.changing.Unlock()
	by, _ := k.lookHeld(ctx) // who can't be reached does not decide
	was := k.Claim()
	if why := k.Fence(p.Name); why != "" {
		return Claim{}, &store.Error{Code: store.BackendFenced, Backend: p.Name, Detail: p.Name + " can't be promoted: " + why}
	}
	m, ok := k.member(p.Name)
	if !ok {
		return Claim{}, &store.Error{Code: store.NotFound, Detail: fmt.Sprintf("there is no backend %q", p.Name)}
	}
	over, reached := by[p.Name]
	if !reached {
		return Claim{}, &store.Error{Code: store.Unavailable, Backend: p.Name, Detail: p.Name + " can't be reached, and so can't be promoted"}
	}
	feed, err := m.Store.Changes(ctx, store.Changes{FromNow: true, KeysOnly: true, Limit: 1})
	if err != nil {
		return Claim{}, err
	}
	next := Claim{Epoch: was.Epoch + 1, Primary: p.Name, System: p.System, Fenced: slices.Clone(was.Fenced)}
	for i := range next.Fenced {
		// What was to be compared with one that is replaced now is so with its successor,
		// of which nobody knows what it has seen of that.
		if f := &next.Fenced[i]; slices.Contains(p.Replaces, f.By) {
			*f = Fence{Name: f.Name, By: p.Name}
		}
	}
	for _, name := range p.Replaces {
		if name == p.System {
			next.System = p.Name
		}
		if _, already := next.FenceOf(name); !already {
			next.Fenced = append(next.Fenced, Fence{Name: name, By: p.Name, Since: feed.Next, Places: p.Places[name]})
		}
	}
	// Whoever promotes another one at the same time does so over the same claim, and one
	// of the two fails in the member that has the system tables, unless that is gone.
	if arbiter, known := by[next.System]; known && next.System != p.Name {
		system, _ := k.member(next.System)
		if err := k.claim(ctx, system, next, arbiter); err != nil {
			return Claim{}, err
		}
	}
	if err := k.claim(ctx, m, next, over); err != nil {
		return Claim{}, err
	}
	k.goBy(next, k.o.Members(), seen{p.Name: {Claim: next}})
	_, _ = k.lookHeld(ctx) // has the others know at once, as far as they can be reached
	return k.Claim(), nil
}

// Lift takes the fence of a member away, which has been compared with the one that took its
// place.
func (k *Keeper) Lift(ctx context.Context, name string) (Claim, error) {
	k.changing.Lock()
	defer k.changing.Unlock()
	by, _ := k.lookHeld(ctx) // who can't be reached hears of it later
	was := k.Claim()
	fence, fenced := was.FenceOf(name)
	if !fenced {
		return was, nil
	}
	m, ok := k.member(fence.By)
	over, reached := by[fence.By]
	if !ok || !reached {
		return Claim{}, &store.Error{Code: store.Unavailable, Backend: fence.By, Detail: fence.By + " can't be reached, which says who is fenced"}
	}
	next := was
	next.Revision++
	next.Fenced = slices.DeleteFunc(slices.Clone(was.Fenced), func(f Fence) bool { return f.Name == name })
	if err := k.claim(ctx, m, next, over); err != nil {
		return Claim{}, err
	}
	k.goBy(next, k.o.Members(), seen{fence.By: {Claim: next}})
	_, _ = k.lookHeld(ctx) // has the others know at once, as far as they can be reached
	return k.Claim(), nil
}

// claim keeps a claim in a member unless somebody else was first.
func (k *Keeper) claim(ctx context.Context, m Member, c Claim, over kept) error {
	switch err := write(ctx, m.Store, k.o.Timeout, c, over); store.CodeOf(err) {
	case "":
		return nil
	case store.VersionMismatch, store.AlreadyExists:
		return &store.Error{Code: store.Busy, Backend: m.Name, Detail: "somebody else has promoted a backend just now; look again at who decides"}
	default:
		return err
	}
}

func (k *Keeper) member(name string) (Member, bool) {
	all := k.o.Members()
	i := slices.IndexFunc(all, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return Member{}, false
	}
	return all[i], true
}
