package boltstore

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

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
