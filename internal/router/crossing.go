package router

import (
	"context"
	"errors"
	"slices"

	"larder/internal/store"
)

// ErrCrossed is in the error of a change of routes or backends that was decided upon while
// another instance changed the other of the two. Nothing was kept; decided anew it may be.
var ErrCrossed = errors.New("routes and backends were changed at the same time")

// crossings is how often one change may be decided anew.
const crossings = 5

// Guard has a change be kept only while something else is as it was when the change was
// decided upon.
type Guard struct{ check store.Op }

func guardOf(ref store.Ref, version int64) Guard {
	only := store.Precondition{Absent: true}
	if version > 0 {
		only = store.IfVersion(version)
	}
	return Guard{store.Op{Kind: store.Check, Ref: ref, If: only}}
}

// RoutesAt guards that the routes are those of a version, 0 for those of the settings.
func RoutesAt(version int64) Guard { return guardOf(bookRef, version) }

// at guards that nothing has changed in what is kept of a backend.
func (r *Listing) at(name string) Guard {
	l, _ := r.Of(name)
	return guardOf(store.Ref{Table: listingTable, Key: name}, l.Version)
}

// Anew tries a change, and again where it has crossed another.
func Anew(try func() error) error {
	for n := 1; ; n++ {
		if err := try(); !errors.Is(err, ErrCrossed) || n == crossings {
			return err
		}
	}
}

// guarded applies an operation if all guards hold, in one batch. Where the system tables
// lie in slots that can't be written together, as in a Redis Cluster, nothing is guarded.
func (r *Router) guarded(ctx context.Context, op store.Op, guards []Guard) (store.Result, error) {
	b := store.Batch{Ops: []store.Op{op}}
	for _, g := range guards {
		b.Ops = append(b.Ops, g.check)
	}
	results, err := r.Apply(ctx, b)
	if len(guards) > 0 && errors.Is(err, store.CrossSlot) {
		b.Ops = b.Ops[:1]
		results, err = r.Apply(ctx, b)
	}
	if err == nil {
		return results[0], nil
	}
	if failures := store.FailuresOf(err, b); len(failures) > 0 && failures[0].Index == 0 {
		return store.Result{}, failures[0].Err
	} else if len(failures) > 0 {
		return store.Result{}, &store.Error{
			Code: store.Busy, Ref: failures[0].Err.Ref, Err: ErrCrossed,
			Detail: "routes and backends were changed at the same time, and nothing was done; look at both, and ask again",
		}
	}
	return store.Result{}, err
}

// decide tries a change of routes that may name some members, which none of them may have
// been removed or changed for meanwhile: then it is tried anew with what is kept now.
func (b *Book) decide(ctx context.Context, names []string, try func(guards []Guard) error) error {
	if b.o.Listing == nil {
		return try(nil)
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	return Anew(func() error {
		guards := make([]Guard, len(names))
		for i, name := range names {
			guards[i] = b.o.Listing.at(name) // before it is looked at whether it is there
		}
		err := try(guards)
		if !errors.Is(err, ErrCrossed) {
			return err
		}
		return errors.Join(err, b.o.Listing.Renew(ctx))
	})
}

// members are all that routes name.
func (rs Routes) members() []string {
	var all []string
	for _, r := range rs {
		all = append(all, r.Members...)
	}
	return all
}
