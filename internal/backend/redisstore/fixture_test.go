package redisstore

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/value"
)

// fixture is a store under a prefix of its own.
type fixture struct {
	*Store
	t testing.TB
}

// open opens a store on the shared server that reaps only when asked to.
func open(t testing.TB, change ...func(o *Options)) *fixture {
	t.Helper()
	site := testenv.Redis(t)
	o := Options{URL: site.URL, Prefix: site.Prefix, Retention: store.Retention{Interval: time.Hour}, ReplyTimeout: 10 * time.Second}
	for _, f := range change {
		f(&o)
	}
	return openWith(t, o)
}

func openWith(t testing.TB, o Options) *fixture {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &fixture{Store: s, t: t}
}

// beside opens another store on the same keys.
func (f *fixture) beside(change ...func(o *Options)) *fixture {
	f.t.Helper()
	o := f.options
	for _, change := range change {
		change(&o)
	}
	return openWith(f.t, o)
}

func ref(key string) store.Ref { return store.Ref{Table: "t", Key: key} }

func put(key, text string) store.Op {
	return store.Op{Kind: store.Put, Ref: ref(key), Value: value.MustParse(text)}
}

func remove(key string) store.Op { return store.Op{Kind: store.Delete, Ref: ref(key)} }

// plusOne adds to a counter, and makes it.
func plusOne(key string) store.Op {
	return store.Op{Kind: store.Increment, Ref: ref(key), Increment: store.Step{Delta: []byte("1"), Initial: []byte("0")}}
}

func (f *fixture) apply(ops ...store.Op) []store.Result {
	f.t.Helper()
	results, err := f.Apply(f.t.Context(), store.Batch{Ops: ops})
	if err != nil {
		f.t.Fatalf("Apply: %v", err)
	}
	return results
}

// get reads an entry of table t from the server.
func (f *fixture) get(key string) store.Entry {
	f.t.Helper()
	read, err := f.Get(f.t.Context(), []store.Ref{ref(key)})
	if err != nil {
		f.t.Fatalf("reading %s: %v", key, err)
	}
	return read.Entries[0]
}

// recent reads an entry, from memory where it can.
func (f *fixture) recent(key string) store.Read {
	f.t.Helper()
	read, err := recent{f.Store}.Get(f.t.Context(), []store.Ref{ref(key)})
	if err != nil {
		f.t.Fatalf("reading %s: %v", key, err)
	}
	return read
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

// poll yields until something holds, for a minute at most.
func poll(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func contextOf(t testing.TB, timeout time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), timeout)
}
