package router

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"larder/internal/store"
)

// Transfer is tables that are being moved to another primary, which all instances know of
// from the routes that are kept.
type Transfer struct {
	Operation string `json:"operation"` // what moves them
	Tables    string `json:"tables"`    // a pattern
	From      string `json:"from"`      // their primary
	To        string `json:"to"`
	Stage     Stage  `json:"stage"`
}

// Stage is how far a transfer is.
type Stage string

// The stages, in their order. A transfer that ends before Switched has moved nothing.
const (
	Announced Stage = "announced" // whoever can't learn of the next stage must not use the tables
	Held      Stage = "held"      // nobody writes to the tables
	Switched  Stage = "switched"  // nor now, when the routes are others, until all read by those
)

// hold is what a transfer asks of calls at its stage.
func (t Transfer) hold(trusted func() bool) Hold {
	return Hold{Tables: t.Tables, From: t.From, To: t.To, Writes: t.Stage != Announced, Trusted: trusted}
}

// Transfer gives the one that is under way, nil for none, and the version of what is kept.
func (b *Book) Transfer() (*Transfer, int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.transfer, b.version
}

// Begin announces a transfer to all instances, or takes up the one that its operation has
// begun already, back at the announcement if it was held. There is one at a time: else it
// fails with Busy. It gives the stage and the version of what is kept.
func (b *Book) Begin(ctx context.Context, t Transfer) (Stage, int64, error) {
	for {
		if err := b.reread(ctx, false); err != nil {
			return "", 0, err
		}
		was, version := b.Transfer()
		switch {
		case was != nil && was.Operation != t.Operation:
			return "", 0, underWay(was)
		case was != nil && was.Stage == Switched:
			return Switched, version, nil
		}
		t.Stage = Announced
		var next int64
		err := b.decide(ctx, []string{t.From, t.To}, func(guards []Guard) (err error) {
			if all := b.o.Members(); !slices.Contains(all, t.From) || !slices.Contains(all, t.To) {
				return &store.Error{Code: store.InvalidOperation, Detail: fmt.Sprintf("%s or %s has been removed", t.From, t.To)}
			}
			next, err = b.transferTo(ctx, version, &t, nil, guards)
			return err
		})
		if !errors.Is(err, store.VersionMismatch) && !errors.Is(err, store.AlreadyExists) {
			return t.Stage, next, err
		}
	}
}

// Advance brings a transfer to a stage, with other routes where some are given, if what is
// kept still has the version that the last step gave.
func (b *Book) Advance(ctx context.Context, t Transfer, version int64, routes Routes) (int64, error) {
	next := int64(0)
	err := b.decide(ctx, routes.members(), func(guards []Guard) (err error) {
		if routes != nil {
			if err := routes.Validate(b.o.Members()); err != nil {
				return invalidRoutes(err)
			}
		}
		next, err = b.transferTo(ctx, version, &t, routes, guards)
		return err
	})
	if errors.Is(err, store.VersionMismatch) {
		return 0, &store.Error{Code: store.Busy, Detail: "the routes have been changed while tables were moved"}
	}
	return next, err
}

// End ends a transfer, unless it is at another stage than this, or has ended.
func (b *Book) End(ctx context.Context, t Transfer) error {
	for {
		was, version := b.Transfer()
		if was == nil || *was != t {
			return nil
		}
		_, err := b.transferTo(ctx, version, nil, nil, nil) // what the routes name can't have been removed
		if !errors.Is(err, store.VersionMismatch) {
			return err
		}
		if err := b.reread(ctx, false); err != nil {
			return err
		}
	}
}

// transferTo keeps a transfer, or none, beside the routes that are kept or other ones.
func (b *Book) transferTo(ctx context.Context, version int64, t *Transfer, routes Routes, guards []Guard) (int64, error) {
	b.mu.Lock()
	if routes == nil && b.put {
		routes = b.routes
	}
	if b.version != version {
		b.mu.Unlock()
		return 0, &store.Error{Code: store.VersionMismatch, Ref: bookRef, Precondition: true, Detail: "the routes are others by now"}
	}
	b.mu.Unlock()
	only := store.Precondition{Absent: true}
	if version > 0 {
		only = store.IfVersion(version)
	}
	return b.keep(ctx, routes, t, only, guards)
}

func underWay(t *Transfer) error {
	return &store.Error{Code: store.Busy, Detail: fmt.Sprintf("operation %s is moving %s from %s to %s; wait for it, or cancel it", t.Operation, t.Tables, t.From, t.To)}
}

// Moved are the routes by which the tables of a pattern that have one primary have another.
func (rs Routes) Moved(pattern, from, to string) Routes {
	next := slices.Clone(rs)
	for _, r := range rs.Among(pattern, from) {
		moved := r.led(to)
		i := slices.IndexFunc(next, func(other Route) bool { return other.Pattern == r.Pattern })
		if Matches(pattern, r.Pattern) {
			next[i] = moved
			continue
		}
		moved.Pattern = pattern
		next = append(next, moved)
	}
	return next
}

// led is the route with another primary in place of the one it has. Where it would have too
// few members without that, it keeps it as a secondary, or is primary-only.
func (r Route) led(to string) Route {
	others := slices.DeleteFunc(slices.Clone(r.Members[1:]), func(m string) bool { return m == to })
	members := append([]string{to}, others...)
	if least, _, _ := membersOf(r.Strategy); len(members) < least {
		if r.Strategy == CacheAside {
			return Route{r.Pattern, PrimaryOnly, members}
		}
		members = append(members, r.Primary())
	}
	return Route{r.Pattern, r.Strategy, members}
}
