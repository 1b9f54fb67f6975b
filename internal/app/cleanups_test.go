package app

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

func TestCleanupsGoBackwardsWhateverFails(t *testing.T) {
	put := cleanups{log: zerolog.Nop()}
	var order []string
	step := func(name string, err error) {
		put.later(name, func() error { order = append(order, name); return err })
	}
	step("first", nil)
	step("second", errors.New("stuck"))
	step("third", nil)
	err := put.away()
	if want := []string{"third", "second", "first"}; !slices.Equal(order, want) {
		t.Errorf("put away in the order %v", order)
	}
	if err == nil || err.Error() != "second: stuck" {
		t.Errorf("got %v", err)
	}
	if err := put.away(); err != nil || len(order) != 3 {
		t.Errorf("a second time it does %v (%v)", order, err)
	}
}

func TestCleanupThatHangsIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		put := cleanups{log: zerolog.Nop()}
		reached := false
		put.later("first", func() error { reached = true; return nil })
		put.later("hangs", func() error { <-release; return nil })
		began := time.Now()
		err := put.away()
		if err == nil || !strings.Contains(err.Error(), "hangs: not done after") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != cleanupTimeout || !reached {
			t.Errorf("it took %v, and the rest was reached: %t", took, reached)
		}
	})
}
