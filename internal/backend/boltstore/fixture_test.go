package boltstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// testClock is a clock that stands still until it is advanced.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func newTestClock() *testClock {
	return &testClock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is a store in a file of its own, and its clock.
type fixture struct {
	*Store
	clock *testClock
	t     testing.TB
}

// open opens a store that reaps only when asked to. At the test's end it is
// checked, unless it has been closed.
func open(t testing.TB, change ...func(o *Options)) *fixture {
	t.Helper()
	clock := newTestClock()
	o := Options{
		Path:      filepath.Join(t.TempDir(), "larder.db"),
		NoSync:    true,
		Now:       clock.Now,
		Retention: store.Retention{Interval: time.Hour},
	}
	for _, f := range change {
		f(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	f := &fixture{Store: s, clock: clock, t: t}
	t.Cleanup(f.close)
	return f
}

// close checks and closes the store.
func (f *fixture) close() {
	f.t.Helper()
	if f.isClosed() {
		return
	}
	if err := f.Check(context.WithoutCancel(f.t.Context())); err != nil {
		f.t.Errorf("Check: %v", err)
	}
	if err := f.Close(); err != nil {
		f.t.Errorf("Close: %v", err)
	}
}

// reopen closes the store and opens its file again.
func (f *fixture) reopen() {
	f.t.Helper()
	f.close()
	s, err := Open(f.options)
	if err != nil {
		f.t.Fatalf("opening again: %v", err)
	}
	f.Store = s
}

func ref(key string) store.Ref { return store.Ref{Table: "t", Key: key} }

func put(key, text string) store.Op {
	return store.Op{Kind: store.Put, Ref: ref(key), Value: value.MustParse(text)}
}

func remove(key string) store.Op { return store.Op{Kind: store.Delete, Ref: ref(key)} }

// apply does operations in one batch, which has to succeed.
func (f *fixture) apply(ops ...store.Op) []store.Result {
	f.t.Helper()
	results, err := f.Apply(f.t.Context(), store.Batch{Ops: ops})
	if err != nil {
		f.t.Fatalf("Apply: %v", err)
	}
	return results
}

// get reads an entry of table t.
func (f *fixture) get(key string) store.Entry {
	f.t.Helper()
	read, err := f.Get(f.t.Context(), []store.Ref{ref(key)})
	if err != nil {
		f.t.Fatalf("Get: %v", err)
	}
	return read.Entries[0]
}

// holds fails unless the entry has the value.
func (f *fixture) holds(key, text string) {
	f.t.Helper()
	if e := f.get(key); !e.Value.Equal(value.MustParse(text)) {
		f.t.Errorf("%s: got %s at version %d, want %s", key, e.Value.Data, e.Version, text)
	}
}

// fails fails unless the error has the code.
func fails(t testing.TB, what string, err error, code store.Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("%s: got %v, want %s", what, err, code)
	}
}

// occupy keeps the writer busy until the function it gives is called, so that
// what is written meanwhile waits and is then committed together.
func (f *fixture) occupy() (release func()) {
	f.t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	var waited sync.WaitGroup
	waited.Go(func() {
		if err := f.exclude(f.t.Context(), func() error { close(begun); <-end; return nil }); err != nil {
			f.t.Errorf("occupying the writer: %v", err)
		}
	})
	<-begun
	return func() {
		close(end)
		waited.Wait()
	}
}

// waitFor spins until so many requests wait for the writer.
func (f *fixture) waitFor(requests int) {
	f.t.Helper()
	poll(f.t, fmt.Sprintf("%d requests to wait", requests), func() bool { return len(f.queue) >= requests })
}

// poll yields until something holds, for a minute at most.
func poll(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
