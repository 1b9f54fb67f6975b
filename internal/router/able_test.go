package router_test

import (
	"slices"
	"testing"

	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// able is a model that can do something more.
type able struct {
	*storetest.Model
	store.SQLRunner
}

func (a able) Info() store.Info {
	info := a.Model.Info()
	info.Capabilities = append(slices.Clone(info.Capabilities), store.CanSQL, store.CanCache)
	return info
}

// TestCapabilitiesGoByTheRoutes has a router be able to do what a member can that came later,
// and no longer once no route names it.
func TestCapabilitiesGoByTheRoutes(t *testing.T) {
	t.Parallel()
	a, b := model("a"), able{Model: model("b")}
	lane := func(pattern, name string, s store.Store) router.Lane {
		return router.Lane{Route: router.Route{Pattern: pattern, Strategy: router.PrimaryOnly, Members: []string{name}}, Store: lend(s), Primary: s}
	}
	r := newRouter(t, a, lane("*", "a", a))
	runs := func() bool {
		_, ok := store.As[store.SQLRunner](r)
		return ok
	}
	if runs() {
		t.Error("it runs SQL before anybody can")
	}
	r.Swap([]router.Lane{lane("*", "a", a), lane("x", "b", b)})
	if !runs() || slices.Contains(r.Info().Capabilities, store.CanCache) {
		t.Errorf("with one that runs SQL it can do %v", r.Info().Capabilities)
	}
	r.Swap([]router.Lane{lane("*", "a", a)})
	if runs() {
		t.Error("it runs SQL after the one that could is gone")
	}
}
