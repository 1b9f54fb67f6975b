package app

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"larder/api"
	"larder/internal/health"
	"larder/internal/store"
)

// TestConditionsAreTold has every state be one of the contract's, and nothing internal in
// the reasons.
func TestConditionsAreTold(t *testing.T) {
	m := &member{atMode: new(atomic.Uint32)}
	for s := health.Up; s <= health.Fenced; s++ {
		if told := stateOf(m, health.Condition{State: s}); !told.Valid() {
			t.Errorf("%q is no state of the contract", told)
		}
	}
	if told := reason(health.Condition{State: health.Recovering, Waits: "the cache is behind"}); told != "the cache is behind" {
		t.Errorf("the reason is %q", told)
	}
	if told := stateOf(m, health.Condition{}); told != api.BackendStateUp {
		t.Errorf("the first state is %q", told)
	}
	secret := errors.New("dial tcp 10.1.2.3:5432: refused")
	for _, err := range []error{secret, &store.Error{Code: store.Unavailable, Err: secret}, &store.Error{Code: store.Unavailable, Detail: "the file is gone", Err: secret}} {
		if told := reason(health.Condition{State: health.Down, Err: err}); told == "" || strings.Contains(told, "10.1.2.3") {
			t.Errorf("%v is told as %q", err, told)
		}
	}
}
