package pgstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// TestServerSilent has the network swallow everything under load: no connection
// breaks, and nothing arrives. Clients get their answers all the same, soon
// after their deadlines, and when the network is back so is the store.
func TestServerSilent(t *testing.T) {
	t.Parallel()
	proxy := testenv.ProxyPostgres(t, testenv.Postgres(t))
	f := open(t, func(o *Options) { o.URL, o.AcquireTimeout = proxy.URL, 0 })
	l := startLoad(f, time.Second)
	for range 2 {
		l.AwaitAcknowledged(200)
		proxy.Stall()
		l.AwaitRefused(2 * faultload.Clients)
		proxy.Resume()
	}
	l.AwaitAcknowledged(200)
	l.Check()
}

// TestConnectionsCutOff breaks all connections at once, again and again, whatever
// they are at.
func TestConnectionsCutOff(t *testing.T) {
	t.Parallel()
	proxy := testenv.ProxyPostgres(t, testenv.Postgres(t))
	f := open(t, func(o *Options) { o.URL = proxy.URL })
	l := startLoad(f, time.Minute)
	for range 20 {
		l.AwaitAcknowledged(20)
		proxy.CutAll()
	}
	l.AwaitAcknowledged(200)
	l.Check()
	t.Logf("%d commits looked up, %d of unknown outcome, %d transactions repeated", f.tallies.lookedUp.Load(), f.tallies.unknown.Load(), f.tallies.repeated.Load())
}

// TestAnswersCutOff breaks connections in the middle of what the server says to
// a read. No reader gets a part, or another's answer.
func TestAnswersCutOff(t *testing.T) {
	t.Parallel()
	proxy := testenv.ProxyPostgres(t, testenv.Postgres(t))
	f := open(t, func(o *Options) { o.URL = proxy.URL })
	const entries = 50
	text := func(i int) string { return fmt.Sprintf(`"%d %s"`, i, strings.Repeat("x", 2000)) }
	key := func(i int) string { return fmt.Sprintf("%03d", i) }
	var ops []store.Op
	var refs []store.Ref
	for i := range entries {
		ops, refs = append(ops, put(key(i), text(i))), append(refs, ref(key(i)))
	}
	f.apply(ops...)
	right := func(what string, got []store.Entry, err error) {
		t.Helper()
		if err != nil {
			if !errors.Is(err, store.Unavailable) {
				t.Errorf("%s: %v", what, err)
			}
			return
		}
		if len(got) != entries {
			t.Fatalf("%s gives %d entries", what, len(got))
		}
		for i, e := range got {
			if e.Key != key(i) || string(e.Value.Data) != text(i) {
				t.Errorf("%s gives %.20s for %s", what, e.Value.Data, e.Key)
			}
		}
	}
	for i := range 60 {
		proxy.CutAfterBytes(int64(i) * 2000)
		read, err := f.Get(t.Context(), refs)
		right("Get", read.Entries, err)
		page, err := f.Scan(t.Context(), store.Scan{Table: "t"})
		right("Scan", page.Entries, err)
		found, err := f.Search(t.Context(), store.Query{Table: "t"})
		right("Search", found.Entries, err)
	}
	if n := proxy.Counts().Cuts; n < 50 {
		t.Errorf("%d connections were cut", n)
	}
	f.holds(key(1), text(1))
}
