package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"larder/api"
	"larder/internal/store"
)

// pinged is a store that can only be pinged.
type pinged struct {
	store.Store
	n    int
	ping func(ctx context.Context) error
}

func (p *pinged) Ping(ctx context.Context) error {
	p.n++
	return p.ping(ctx)
}

func TestProbeUsesAnswersAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pinged{ping: func(context.Context) error { return nil }}
		p := &probe{store: s}
		for range 5 {
			if found := p.check(t.Context()); found.state() != api.BackendStateUp || found.reason() != "" {
				t.Errorf("got %+v", found)
			}
		}
		if s.n != 1 {
			t.Errorf("pinged %d times, want once", s.n)
		}
		<-time.After(probeFresh)
		p.check(t.Context())
		if s.n != 2 {
			t.Errorf("pinged %d times, want twice", s.n)
		}
	})
}

func TestProbeIsBoundedAndNotItsCallersAffair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &probe{store: &pinged{ping: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		found := p.check(gone)
		if found.took != probeTimeout || found.state() != api.BackendStateDown {
			t.Errorf("got %+v", found)
		}
		if reason := found.reason(); !strings.Contains(reason, "timeout") {
			t.Errorf("the reason is %q", reason)
		}
	})
}

func TestProbeTellsNothingInternal(t *testing.T) {
	secret := errors.New("dial tcp 10.1.2.3:5432: refused")
	for _, err := range []error{secret, &store.Error{Code: store.Unavailable, Err: secret}, &store.Error{Code: store.Unavailable, Detail: "the file is gone", Err: secret}} {
		if reason := (probed{err: err}).reason(); reason == "" || strings.Contains(reason, "10.1.2.3") {
			t.Errorf("%v is told as %q", err, reason)
		}
	}
}
