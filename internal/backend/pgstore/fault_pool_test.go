package pgstore

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"larder/internal/store"
)

// hold takes connections out of the pool.
func (f *fixture) hold(n int) []*pgxpool.Conn {
	f.t.Helper()
	held := make([]*pgxpool.Conn, n)
	for i := range held {
		var err error
		if held[i], err = f.pool.Acquire(f.t.Context()); err != nil {
			f.t.Fatal(err)
		}
	}
	return held
}

// sessions lists the server's processes that the pool's n connections lead to.
func (f *fixture) sessions(n int) []uint32 {
	f.t.Helper()
	var pids []uint32
	held := f.hold(n)
	for _, conn := range held {
		pids = append(pids, conn.Conn().PgConn().PID())
	}
	for _, conn := range held {
		conn.Release()
	}
	slices.Sort(pids)
	return pids
}

// TestPoolExhausted takes all connections away. Whoever needs one is told so
// within a short while, and once one is free again all is well.
func TestPoolExhausted(t *testing.T) {
	t.Parallel()
	f := open(t, func(o *Options) { o.MinConnections, o.MaxConnections, o.AcquireTimeout = 1, 3, 0 })
	f.apply(put("a", `1`))
	held := f.hold(3)
	for name, do := range map[string]func(context.Context) error{
		"Get":  func(ctx context.Context) error { _, err := f.Get(ctx, []store.Ref{ref("a")}); return err },
		"Scan": func(ctx context.Context) error { _, err := f.Scan(ctx, store.Scan{Table: "t"}); return err },
		"Apply": func(ctx context.Context) error {
			_, err := f.Apply(ctx, store.Batch{Ops: []store.Op{put("a", `2`)}})
			return err
		},
		"Apply of a batch": func(ctx context.Context) error {
			_, err := f.Apply(ctx, store.Batch{Ops: []store.Op{plusOne("a"), remove("b")}})
			return err
		},
	} {
		// It is an error of its own well before the deadline, which is one of
		// an overloaded machine.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		fails(t, name, do(ctx), store.Unavailable)
		cancel()
	}
	if n := f.tallies.exhausted.Load(); n < 4 {
		t.Errorf("%d requests are said to have found no connection", n)
	}
	for _, conn := range held {
		conn.Release()
	}
	f.holds("a", `1`)
	f.apply(put("a", `3`))
	f.holds("a", `3`)
}

// TestLockedRow has a foreign transaction hold a row. The server ends the
// statement that waits for it just before the request's deadline, so that the
// connection stays, and nothing is written.
func TestLockedRow(t *testing.T) {
	t.Parallel()
	f := open(t, func(o *Options) { o.MinConnections, o.MaxConnections = 4, 4 })
	f.apply(put("a", `1`), put("b", `1`))
	release := f.holdRow("a")
	defer release()
	before := f.sessions(4)
	for name, ops := range map[string][]store.Op{
		"a put":            {put("a", `2`)},
		"an increment":     {plusOne("a")},
		"a batch of puts":  {put("a", `2`), put("b", `2`)},
		"a batch of mixed": {plusOne("a"), plusOne("b"), put("c", `2`)},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := f.Apply(ctx, store.Batch{Ops: ops})
		fails(t, name, err, store.Timeout)
		cancel()
	}
	f.holds("b", `1`)
	if after := f.sessions(4); !slices.Equal(before, after) {
		t.Errorf("the sessions were %v, and are %v in the end", before, after)
	}
	release()
	f.holds("a", `1`)
	if e := f.get("c"); e.Exists() {
		t.Errorf("c is %s", e.Value.Data)
	}
	f.apply(plusOne("a"), plusOne("b"))
	f.holds("a", `2`)
}
