package pgstore

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/value"
)

// fixture is a store on a database of its own.
type fixture struct {
	*Store
	t testing.TB
}

// open opens a store that reaps only when asked to.
func open(t testing.TB, change ...func(o *Options)) *fixture {
	t.Helper()
	o := Options{URL: testenv.Postgres(t), Retention: store.Retention{Interval: time.Hour}, AcquireTimeout: time.Minute}
	for _, f := range change {
		f(&o)
	}
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

// get reads an entry of table t.
func (f *fixture) get(key string) store.Entry {
	f.t.Helper()
	now, read, err := f.readRows(f.t.Context(), []store.Ref{ref(key)})
	if err != nil {
		f.t.Fatalf("reading %s: %v", key, err)
	}
	return read.Entries[0].At(now)
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

// session is a connection of the test's own, on which it can hold locks.
func (f *fixture) session() *pgx.Conn {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.options.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := conn.Close(context.WithoutCancel(f.t.Context())); err != nil {
			f.t.Error(err)
		}
	})
	return conn
}

// holdRow locks a row of table t until the function it gives is called.
func (f *fixture) holdRow(key string) (release func()) {
	f.t.Helper()
	tx, err := f.session().BeginTx(f.t.Context(), pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := tx.Exec(f.t.Context(), "select from "+f.sql.entries+" where table_name = 't' and key = $1 for update", key); err != nil {
		f.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(context.WithoutCancel(f.t.Context())); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			f.t.Error(err)
		}
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
