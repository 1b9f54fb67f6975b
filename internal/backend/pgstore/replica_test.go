package pgstore

import (
	"context"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/value"
)

// withStandby opens a store over a primary of its own and a standby of that.
func withStandby(t *testing.T) (f *fixture, primary, standby *testenv.PostgresServer) {
	t.Helper()
	primary, url := freshPostgres(t, testenv.PostgresOptions{})
	standby = testenv.StartStandby(t, primary, "second", testenv.PostgresOptions{})
	f = open(t, func(o *Options) { o.URL, o.ReplicaURLs = url, []string{standby.URL("postgres")} })
	f.apply(put("a", `1`), put("b", `2`))
	standby.CatchUp(t, primary)
	return f, primary, standby
}

// stale lets reads be as old as that.
func stale(t *testing.T, f store.Freshness) context.Context {
	t.Helper()
	return store.WithFreshness(t.Context(), f)
}

// from reads a and tells who answered; the entry has to have the value.
func (f *fixture) from(ctx context.Context, text string) store.Source {
	f.t.Helper()
	read, err := f.Get(ctx, []store.Ref{ref("a")})
	if err != nil {
		f.t.Fatalf("Get: %v", err)
	}
	if e := read.Entries[0]; !e.Value.Equal(value.MustParse(text)) {
		f.t.Errorf("%q answers %s, want %s", read.Source.Copy, e.Value.Data, text)
	}
	return read.Source
}

// used waits until the replica answers reads that may be so old.
func (f *fixture) used(ctx context.Context) {
	f.t.Helper()
	poll(f.t, "a replica to be used", func() bool {
		read, err := f.Get(ctx, []store.Ref{ref("b")})
		return err == nil && read.Source.Copy != ""
	})
}

const replicaName = "postgres-replica-1"

// TestReplicaAnswers holds that a replica is asked where a read allows it, and
// nowhere else.
func TestReplicaAnswers(t *testing.T) {
	t.Parallel()
	f, _, _ := withStandby(t)
	allowed := stale(t, store.Freshness{MaxAge: time.Minute})
	f.used(allowed)
	if got := f.from(allowed, `1`); got.Copy != replicaName || got.Age <= 0 || got.Age > time.Minute {
		t.Errorf("Get is answered by %+v", got)
	}
	page, err := f.Scan(allowed, store.Scan{Table: "t"})
	if err != nil || len(page.Entries) != 2 || page.Source.Copy != replicaName {
		t.Errorf("Scan: %+v, %v", page, err)
	}
	query := store.Query{Table: "t", Filter: value.Filter{Path: "", Op: "gte", Value: []byte(`2`)}}
	found, err := f.Search(allowed, query)
	if err != nil || len(found.Entries) != 1 || found.Source.Copy != replicaName {
		t.Errorf("Search: %+v, %v", found, err)
	}
	counted, err := f.Count(allowed, query)
	if err != nil || counted.Count != 1 || counted.Source.Copy != replicaName {
		t.Errorf("Count: %+v, %v", counted, err)
	}
	for name, ctx := range map[string]context.Context{
		"no staleness": t.Context(), "stale if error": stale(t, store.Freshness{IfError: time.Minute}),
		"too little": stale(t, store.Freshness{MaxAge: time.Nanosecond}),
	} {
		if got := f.from(ctx, `1`); got != (store.Source{}) {
			t.Errorf("%s: Get is answered by %+v", name, got)
		}
	}
	// What is written under such a context is written all the same.
	if _, err := f.Apply(allowed, store.Batch{Ops: []store.Op{put("a", `3`)}}); err != nil {
		t.Error(err)
	}
	f.holds("a", `3`)
}

// TestReplicaBehind has a replica stop showing what comes. Its age grows, and a
// read that wants what is newer is answered by the primary.
func TestReplicaBehind(t *testing.T) {
	t.Parallel()
	f, primary, standby := withStandby(t)
	long, short := stale(t, store.Freshness{MaxAge: time.Hour}), stale(t, store.Freshness{MaxAge: 2 * time.Second})
	f.used(short)
	standby.PauseReplay(t)
	f.apply(put("a", `2`))
	written := time.Now()
	poll(t, "the replica to be seen behind", func() bool {
		past := time.Since(written)
		read, err := f.Get(short, []store.Ref{ref("a")})
		if err != nil {
			t.Fatal(err)
		}
		if read.Source.Copy != "" && past > 2*time.Second {
			t.Fatalf("a read that allows 2 s misses what was written %v before it", past)
		}
		return read.Source.Copy == ""
	})
	f.from(short, `2`)
	if got := f.from(long, `1`); got.Copy != replicaName || got.Age < 2*time.Second {
		t.Errorf("a replica far behind says of itself %+v", got)
	}
	inspection, err := f.Inspect(t.Context())
	if err != nil || !strings.HasPrefix(inspection.Details[replicaName], "in use, at most") {
		t.Errorf("Inspect: %v, %v", inspection.Details, err)
	}
	standby.ResumeReplay(t)
	standby.CatchUp(t, primary)
	poll(t, "the replica to be in use again", func() bool { return f.from(long, `2`).Copy != "" })
}

// TestReplicaWithoutPrimary has the primary fail. Reads that allow an old answer
// in that case get one.
func TestReplicaWithoutPrimary(t *testing.T) {
	t.Parallel()
	f, primary, _ := withStandby(t)
	ifError := stale(t, store.Freshness{IfError: time.Hour})
	f.used(stale(t, store.Freshness{MaxAge: time.Hour}))
	primary.Kill(t)
	if got := f.from(ifError, `1`); got.Copy != replicaName {
		t.Errorf("without a primary Get is answered by %+v", got)
	}
	found, err := f.Search(ifError, store.Query{Table: "t"})
	if err != nil || len(found.Entries) != 2 {
		t.Errorf("Search: %+v, %v", found, err)
	}
	_, err = f.Get(t.Context(), []store.Ref{ref("a")})
	fails(t, "Get", err, store.Unavailable)
	_, err = f.Apply(ifError, store.Batch{Ops: []store.Op{put("a", `3`)}})
	fails(t, "Apply", err, store.Unavailable)
	primary.Start(t)
	f.apply(put("a", `2`))
}

// TestReplicaBroken loses the replica, and has servers that are none.
func TestReplicaBroken(t *testing.T) {
	t.Parallel()
	f, _, standby := withStandby(t)
	long := stale(t, store.Freshness{MaxAge: time.Hour})
	f.used(long)
	standby.Kill(t)
	if got := f.from(long, `1`); got.Copy != "" {
		t.Errorf("a dead replica answers: %+v", got)
	}
	standby.Start(t)
	f.used(long)
	standby.Promote(t)
	poll(t, "the promoted replica to be left alone", func() bool { return f.from(long, `1`).Copy == "" })
	inspection, err := f.Inspect(t.Context())
	if err != nil || inspection.Details[replicaName] != "not used: it is no standby" {
		t.Errorf("Inspect: %v, %v", inspection.Details, err)
	}
}

// TestReplicaURLs holds that a store opens without its replicas, and not with
// nonsense for one.
func TestReplicaURLs(t *testing.T) {
	t.Parallel()
	f := open(t, func(o *Options) { o.ReplicaURLs = []string{"postgres://127.0.0.1:1/none?sslmode=disable"} })
	f.apply(put("a", `1`))
	f.from(stale(t, store.Freshness{MaxAge: time.Hour}), `1`)
	_, err := Open(t.Context(), Options{URL: f.options.URL, ReplicaURLs: []string{"postgres://user:secret@host:port/"}})
	fails(t, "Open", err, store.InvalidOperation)
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows a password: %v", err)
	}
}
