package router_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/router"
	"larder/internal/store"
)

// listed has an instance take its member b from a listing. looked counts how often it asks
// which members there are.
func (x *instance) listed(t *testing.T, by *taker, looked *atomic.Int64) *router.Listing {
	t.Helper()
	if err := x.Book.Close(); err != nil {
		t.Fatal(err)
	}
	l := openRoster(t, x, by)
	members := func() []string {
		by.mu.Lock()
		defer by.mu.Unlock()
		all := []string{"a"}
		looked.Add(1)
		for _, l := range by.all {
			all = append(all, l.Name)
		}
		return all
	}
	var err error
	x.Book, err = router.OpenBook(t.Context(), router.BookOptions{
		Router: x.Router, Members: members, Default: parse(t, "*=primary-only(a)"), Build: x.build, Listing: l, Pause: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestRoutesNameNoneThatIsRemoved removes a member through one instance, while another that
// has not heard of it puts routes that name it.
func TestRoutesNameNoneThatIsRemoved(t *testing.T) {
	t.Parallel()
	both := instances(t, 2)
	var here, there taker
	var looked atomic.Int64
	listing := both[0].listed(t, &here, &looked)
	both[1].listed(t, &there, &looked)
	b, err := listing.Put(t.Context(), router.Listed{Name: "b", URL: "redis://x", Use: router.Active}, store.Precondition{Absent: true})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other to have it", func() bool { return there.has(b) })

	// The other takes nothing in until it has looked at what it was asked for.
	hear := make(chan struct{})
	there.mu.Lock()
	there.hears = hear
	there.mu.Unlock()
	if err := listing.Remove(t.Context(), "b", store.IfVersion(b.Version), router.RoutesAt(0)); err != nil {
		t.Fatal(err)
	}
	looked.Store(0)
	put := make(chan error, 1)
	go func() {
		_, _, err := both[1].Put(t.Context(), parse(t, "*=primary-only(a); x=primary-only(b)"), router.Change{})
		put <- err
	}()
	eventually(t, "the other to look at the routes", func() bool { return looked.Load() > 0 })
	close(hear)
	if err := <-put; store.CodeOf(err) != store.InvalidRoutes {
		t.Errorf("routes that name one that is removed: %v", err)
	}
	if routes, version := both[0].Book.Routes(); version != 0 || len(routes.Naming("b")) > 0 {
		t.Errorf("the routes are %s, at version %d", routes, version)
	}
}

// TestNoneIsRemovedThatRoutesName keeps a member that routes have come to name since it was
// looked at, and one that is changed meanwhile is looked at again.
func TestNoneIsRemovedThatRoutesName(t *testing.T) {
	t.Parallel()
	both := instances(t, 2)
	var here, there taker
	var looked atomic.Int64
	listing := both[0].listed(t, &here, &looked)
	both[1].listed(t, &there, &looked)
	b, err := listing.Put(t.Context(), router.Listed{Name: "b", URL: "redis://x", Use: router.Active}, store.Precondition{Absent: true})
	if err != nil {
		t.Fatal(err)
	}
	// The other has not heard of it yet, perhaps.
	naming := parse(t, "*=primary-only(a); x=primary-only(b)")
	if _, version, err := both[1].Put(t.Context(), naming, router.Change{}); err != nil || version != 1 {
		t.Fatalf("version %d, %v", version, err)
	}
	decided := 0
	err = router.Anew(func() error {
		decided++
		return listing.Remove(t.Context(), "b", store.IfVersion(b.Version), router.RoutesAt(0))
	})
	if !errors.Is(err, router.ErrCrossed) || store.CodeOf(err) != store.Busy || decided < 2 {
		t.Errorf("it is removed: %v, decided upon %d times", err, decided)
	}
	if err := listing.Remove(t.Context(), "b", store.IfVersion(7), router.RoutesAt(0)); store.CodeOf(err) != store.VersionMismatch {
		t.Errorf("removed at another version: %v", err)
	}
	if !slices.Equal(listing.List(), []router.Listed{b}) {
		t.Errorf("there are %v", listing.List())
	}
	// What a change at the other end has done to it is heard of before routes are refused.
	if b, err = listing.Put(t.Context(), router.Listed{Name: "b", URL: "redis://x", Use: router.Draining}, store.IfVersion(b.Version)); err != nil {
		t.Fatal(err)
	}
	if _, version, err := both[1].Put(t.Context(), naming[:1], router.Change{If: store.IfVersion(1)}); err != nil || version != 2 {
		t.Fatalf("version %d, %v", version, err)
	}
	if err := listing.Remove(t.Context(), "b", store.IfVersion(b.Version), router.RoutesAt(2)); err != nil {
		t.Error(err)
	}
}
