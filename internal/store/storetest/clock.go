package storetest

import (
	"sync"
	"testing"
	"time"

	"larder/internal/store"
)

// Clock is a clock that goes on only when told to, for stores that take one.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock gives a clock that stands at the present time.
func NewClock() *Clock { return &Clock{now: time.Now()} }

// Now gives the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// ModelHarness is a harness for models, with clocks that can be advanced.
func ModelHarness() Harness {
	var clocks sync.Map // of every store
	return Harness{
		Without: []Topic{IndexPlans},
		Open: func(testing.TB) store.Store {
			clock := NewClock()
			s := NewModel(ModelOptions{Clock: clock.Now})
			clocks.Store(s, clock)
			return s
		},
		Beside: func(_ testing.TB, s store.Store) store.Store { return s.(*Model).Beside() },
		Advance: func(s store.Store, d time.Duration) {
			if clock, known := clocks.Load(s); known {
				clock.(*Clock).Advance(d)
			}
		},
	}
}

// SlottedHarness is [ModelHarness] for stores with slots.
func SlottedHarness() Harness {
	h := ModelHarness()
	open, advance := h.Open, h.Advance
	h.Without = append(h.Without, Together, UniqueIndexes)
	h.Open = func(t testing.TB) store.Store { return &Slotted{open(t).(*Model)} }
	h.Beside = func(_ testing.TB, s store.Store) store.Store { return &Slotted{s.(*Slotted).Beside()} }
	h.Advance = func(s store.Store, d time.Duration) { advance(s.(*Slotted).Model, d) }
	return h
}
