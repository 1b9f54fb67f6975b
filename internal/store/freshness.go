package store

import (
	"context"
	"sync/atomic"
	"time"
)

// Freshness says how old what a read gives may be. Its zero value takes nothing
// but the newest.
type Freshness struct {
	// Recent takes a copy that the store keeps by itself and within a bound of its
	// own, where its operator has it keep such copies. Who has written by way of a
	// store, or read, sees nothing older by it.
	Recent  bool
	MaxAge  time.Duration // a copy no older than this will do
	IfError time.Duration // and where the newest can't be had, one no older than this

	MinVersion int64 // no copy of an older version than this will do
	OnlyCopy   bool  // where no copy will do, fail with NotCached rather than ask for the newest
}

// WithFreshness lets the reads under ctx, Get, Scan, Search and Count, be
// answered from a copy, where a store has one. Others don't heed it.
func WithFreshness(ctx context.Context, f Freshness) context.Context {
	return &freshContext{ctx, f}
}

// FreshnessOf is what reads under ctx ask for.
func FreshnessOf(ctx context.Context) Freshness {
	if f, ok := ctx.Value(freshnessKey{}).(*Freshness); ok {
		return *f
	}
	return Freshness{}
}

// freshContext is context.WithValue's in one piece of memory: most reads make one.
type freshContext struct {
	context.Context
	freshness Freshness
}

type freshnessKey struct{}

// Value finds the freshness.
func (c *freshContext) Value(key any) any {
	if _, ok := key.(freshnessKey); ok {
		return &c.freshness
	}
	return c.Context.Value(key)
}

// Source says where the answer to a read is from. Its zero value is the store
// itself, with what is newest.
type Source struct {
	By   string        // the name of the store whose entries they are, where there are several
	Copy string        // the name of the copy that answered
	Age  time.Duration // nothing committed so long ago is missing in it

	// Shown is where whoever shows this copy to clients may keep what he has made of it
	// for the next time that it answers. nil: nowhere.
	Shown *Shown

	// Why says of an answer that a copy could have given and did not, why not.
	Why Forwarded
}

// Shown keeps something that was made of a copy. Many may use it at once.
type Shown struct{ made atomic.Pointer[any] }

// Load gives what was kept, nil for nothing.
func (s *Shown) Load() any {
	if made := s.made.Load(); made != nil {
		return *made
	}
	return nil
}

// Store keeps something.
func (s *Shown) Store(made any) { s.made.Store(&made) }

// Forwarded is why the newest was asked for and no copy taken.
type Forwarded uint8

// The reasons, as RFC 9211 has them in section 2.2. Zero: nothing keeps copies here,
// or a copy answered.
const (
	NotForwarded Forwarded = iota
	Bypass                 // nothing but the newest was asked for
	Miss                   // there was no copy
	Stale                  // there was one that could not be shown to be good enough
)
