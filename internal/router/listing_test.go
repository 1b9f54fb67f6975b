package router_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"larder/internal/router"
	"larder/internal/store"
)

// taker is a process that goes by a roster.
type taker struct {
	mu    sync.Mutex
	all   []router.Listed
	fails int           // times yet
	hears chan struct{} // before which it takes nothing; nil: at once
}

func (t *taker) take(_ context.Context, all []router.Listed) error {
	t.mu.Lock()
	hears := t.hears
	t.mu.Unlock()
	if hears != nil {
		<-hears
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fails > 0 {
		t.fails--
		return errors.New("not yet")
	}
	t.all = all
	return nil
}

func (t *taker) has(all ...router.Listed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Equal(t.all, all)
}

func openRoster(t *testing.T, x *instance, by *taker) *router.Listing {
	t.Helper()
	r, err := router.OpenListing(t.Context(), router.ListingOptions{Router: x.Router, Take: by.take, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestListingIsFollowedByAll(t *testing.T) {
	t.Parallel()
	both := instances(t, 2)
	var here, there taker
	there.fails = 3 // so it is tried again
	roster := openRoster(t, both[0], &here)
	other := openRoster(t, both[1], &there)

	hot, err := roster.Put(t.Context(), router.Listed{Name: "hot", URL: "redis://x", Use: router.Active}, store.Precondition{Absent: true})
	if err != nil || hot.Version != 1 || !here.has(hot) {
		t.Fatalf("%+v, %v", hot, err)
	}
	eventually(t, "the other to go by it", func() bool { return there.has(hot) })
	a, err := other.Put(t.Context(), router.Listed{Name: "a", Use: router.Disabled}, store.Precondition{})
	if err != nil || !there.has(a, hot) {
		t.Fatalf("%+v, %v", a, err)
	}
	eventually(t, "the first to go by it", func() bool { return here.has(a, hot) })
	if l, found := roster.Of("hot"); !found || l != hot {
		t.Errorf("%+v, %v", l, found)
	}

	// Who opens later goes by them too.
	var later taker
	openRoster(t, both[1], &later)
	if !later.has(a, hot) {
		t.Error("opened again it goes by something else")
	}
	if err := roster.Remove(t.Context(), "hot", store.IfVersion(2)); store.CodeOf(err) != store.VersionMismatch {
		t.Errorf("removed at another version: %v", err)
	}
	if err := roster.Remove(t.Context(), "hot", store.IfVersion(1)); err != nil || !here.has(a) {
		t.Errorf("removed: %v", err)
	}
	eventually(t, "the others to go by it", func() bool { return there.has(a) && later.has(a) })
	if _, found := roster.Of("hot"); found {
		t.Error("it is still there")
	}
}
