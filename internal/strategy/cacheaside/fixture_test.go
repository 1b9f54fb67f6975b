package cacheaside_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/strategy/cacheaside"
	"larder/internal/value"
)

// patience bounds every wait for what has to come sooner or later.
const patience = 20 * time.Second

// faulty is a store that can be made to fail, and counts its reads.
type faulty struct {
	store.Forward
	down  atomic.Bool                   // reads and writes fail with Unavailable
	deaf  atomic.Bool                   // the feed does
	back  atomic.Bool                   // the feed has gone back, once
	mute  atomic.Bool                   // copies can't be looked at or kept
	hold  atomic.Pointer[chan struct{}] // reads wait until it is closed
	life  atomic.Uint64                 // of the feed
	reads atomic.Int64
	looks atomic.Int64
}

func unavailable() error {
	return &store.Error{Code: store.Unavailable, Detail: "it is down for the test"}
}

func (f *faulty) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if refs[0].Table == "_epochs" {
		return f.Store.Get(ctx, refs)
	}
	f.reads.Add(1)
	if hold := f.hold.Load(); hold != nil {
		select {
		case <-*hold:
		case <-ctx.Done():
			return store.Read{}, ctx.Err()
		}
	}
	if f.down.Load() {
		return store.Read{}, unavailable()
	}
	return f.Store.Get(ctx, refs)
}

func (f *faulty) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if f.down.Load() {
		return nil, unavailable()
	}
	return f.Store.Apply(ctx, b)
}

func (f *faulty) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if f.deaf.Load() {
		return store.Feed{}, unavailable()
	}
	if c.Since != "" && f.back.Swap(false) {
		return store.Feed{}, &store.Error{Code: store.Compacted}
	}
	feed, err := f.Store.Changes(ctx, c)
	feed.Incarnation = f.life.Load()
	return feed, err
}

func (f *faulty) Look(ctx context.Context, space string, ref store.Ref, lease time.Duration) (store.Copy, store.Sight, error) {
	f.looks.Add(1)
	if f.mute.Load() {
		return store.Copy{}, store.Nothing, unavailable()
	}
	return f.Forward.Look(ctx, space, ref, lease)
}

func (f *faulty) Keep(ctx context.Context, space string, copies []store.Copy) error {
	if f.mute.Load() {
		<-ctx.Done() // as one that is cut off
		return ctx.Err()
	}
	return f.Forward.Keep(ctx, space, copies)
}

// fixture is the strategy over stores that can be made to fail.
type fixture struct {
	*stack
	t              *testing.T
	primary, cache *faulty
}

func open(t *testing.T, change ...func(*cacheaside.Options, *cacheaside.LedgerOptions)) *fixture {
	t.Helper()
	return openOver(t, newModel(), newModel(), change...)
}

func openOver(t *testing.T, primary, cache store.Store, change ...func(*cacheaside.Options, *cacheaside.LedgerOptions)) *fixture {
	t.Helper()
	f := &fixture{t: t, primary: &faulty{Forward: store.Forward{Store: primary}}, cache: &faulty{Forward: store.Forward{Store: cache}}}
	f.stack = stackOf(t, f.primary, f.cache, change...)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	f.eventually("the ledger to begin", func() bool { _, ok := f.ledger.Age(); return ok })
	return f
}

// eventually asks again and again until it is so.
func (f *fixture) eventually(what string, isSo func() bool) {
	f.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); !isSo(); {
		select {
		case <-timeout:
			f.t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func refOf(key string) store.Ref { return store.Ref{Table: "t", Key: key} }

func (f *fixture) put(key string, n int) store.Entry {
	f.t.Helper()
	results, err := f.Apply(f.t.Context(), store.Batch{Ops: []store.Op{putOf(key, n)}})
	if err != nil {
		f.t.Fatal(err)
	}
	return results[0].Entry
}

func putOf(key string, n int) store.Op {
	return store.Op{Kind: store.Put, Ref: refOf(key), Value: value.Value{Data: []byte(strconv.Itoa(n))}}
}

// try reads a key as a request that says that asks for it.
func (f *fixture) try(key string, fresh store.Freshness) (store.Entry, store.Source, error) {
	read, err := f.Get(store.WithFreshness(f.t.Context(), fresh), []store.Ref{refOf(key)})
	if err != nil {
		return store.Entry{}, store.Source{}, err
	}
	return read.Entries[0], read.Source, nil
}

func (f *fixture) get(key string, fresh store.Freshness) (store.Entry, store.Source) {
	f.t.Helper()
	e, source, err := f.try(key, fresh)
	if err != nil {
		f.t.Fatal(err)
	}
	return e, source
}

// recent is what a read asks for that says nothing.
var recent = store.Freshness{Recent: true}
