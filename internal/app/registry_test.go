package app

import (
	"context"
	"testing"
)

// TestReplacedOnceOnly has nobody take the place of a member that is gone, and one that takes
// a place be used for what the one before it is used for, from then on too.
func TestReplacedOnceOnly(t *testing.T) {
	t.Parallel()
	a, err := New(settings(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &registry{app: a, fence: func(string) string { return "" }, strategies: newStrategies(a, nil, "")}
	absence := func() *member { return r.absence(a.cfg.Members()[0], context.Canceled) }
	first, next, late := absence(), absence(), absence()
	r.add(first)
	if !r.replace(first, next) || r.of(first.name) != next {
		t.Error("it has not taken the place")
	}
	defer func() {
		if err := r.unwatch(); err != nil {
			t.Error(err)
		}
	}()
	first.atMode.Store(uint32(draining)) // by who has found the first before
	if next.mode() != draining {
		t.Errorf("it is %s", next.mode())
	}
	if r.replace(first, late) || r.of(first.name) != next || late.watch != nil {
		t.Error("the place of one that is gone is taken")
	}
}
