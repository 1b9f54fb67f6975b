package replica_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// apart are two stores that nothing keeps the same.
func apart(t *testing.T) (from, to *storetest.Model) {
	t.Helper()
	from, to = storetest.NewModel(storetest.ModelOptions{Name: "a"}), storetest.NewModel(storetest.ModelOptions{Name: "b"})
	t.Cleanup(func() {
		for _, s := range []store.Store{from, to} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return from, to
}

func entry(table, key string, version int64, n int) store.Entry {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(version) * time.Second)
	return store.Entry{Ref: ref(table, key), Version: version, Value: value.Value{Data: fmt.Appendf(nil, "%d", n)}, CreatedAt: at, UpdatedAt: at}
}

func tombstone(table, key string, version int64) store.Entry {
	return entry(table, key, version-1, 0).Tombstone(time.Now())
}

func install(t *testing.T, s store.Store, entries ...store.Entry) {
	t.Helper()
	if err := s.Install(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

func verify(t *testing.T, from, to store.Store, o replica.Verification) replica.Report {
	t.Helper()
	o.Page = 3
	if o.Patience == 0 {
		o.Patience = 20 * time.Millisecond
	}
	r, err := replica.Verify(t.Context(), from, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// differ makes one difference of each kind among entries that are the same.
func differ(t *testing.T, from, to store.Store) (want map[store.Ref]replica.Kind) {
	t.Helper()
	for n := range 10 {
		e := entry("t", fmt.Sprint("k", n), 3, n)
		install(t, from, e)
		install(t, to, e)
	}
	install(t, from, entry("t", "missing", 2, 1), entry("t", "behind", 4, 1), entry("t", "deleted", 4, 1), entry("t", "ahead", 4, 1), entry("t", "differing", 4, 1))
	install(t, from, tombstone("t", "deleted", 5), tombstone("t", "gone", 7))
	other := entry("t", "differing", 4, 1)
	other.UpdatedAt = other.UpdatedAt.Add(time.Second)
	install(t, to, entry("t", "behind", 3, 1), entry("t", "deleted", 4, 1), entry("t", "ahead", 5, 1), other, entry("u", "extra", 3, 1), entry("_own", "k", 1, 1))
	return map[store.Ref]replica.Kind{
		ref("t", "missing"): replica.Missing, ref("t", "behind"): replica.Behind, ref("t", "deleted"): replica.Behind,
		ref("t", "ahead"): replica.Ahead, ref("t", "differing"): replica.Differing, ref("u", "extra"): replica.Extra,
	}
}

func kinds(r replica.Report) map[store.Ref]replica.Kind {
	got := map[store.Ref]replica.Kind{}
	for _, d := range r.Differences {
		got[d.Ref] = d.Kind
	}
	return got
}

// Every kind of difference is told, and nothing that is the same.
func TestVerify(t *testing.T) {
	t.Parallel()
	from, to := apart(t)
	want := differ(t, from, to)
	r := verify(t, from, to, replica.Verification{})
	if got := kinds(r); !maps.Equal(got, want) || r.Same() || r.Compared != 16 {
		t.Errorf("of %d keys it told %v, not %v", r.Compared, got, want)
	}
	r = verify(t, from, to, replica.Verification{Listed: 2})
	if len(r.Differences) != 2 || r.Counts[replica.Behind] != 2 {
		t.Errorf("cut short it is %+v", r)
	}
	r = verify(t, from, to, replica.Verification{Tables: func(table string) bool { return table == "u" }})
	if r.Compared != 1 || r.Counts[replica.Extra] != 1 {
		t.Errorf("of one table it is %+v", r)
	}
}

// Values of one version that are not the same are found by those who ask for it.
func TestVerifyValues(t *testing.T) {
	t.Parallel()
	from, to := apart(t)
	install(t, from, entry("t", "k", 1, 1))
	install(t, to, entry("t", "k", 1, 2))
	if r := verify(t, from, to, replica.Verification{}); !r.Same() {
		t.Errorf("without values it is %+v", r)
	}
	if r := verify(t, from, to, replica.Verification{Values: true}); r.Counts[replica.Differing] != 1 {
		t.Errorf("with values it is %+v", r)
	}
}

// Repair brings what is missing and old, deletions too; what the source never had goes
// only where that is said, and what is newer than the source stays and is told.
func TestRepair(t *testing.T) {
	t.Parallel()
	from, to := apart(t)
	differ(t, from, to)
	if r := verify(t, from, to, replica.Verification{Repair: true}); r.Repaired != 3 || r.Same() {
		t.Errorf("repairing gave %+v", r)
	}
	want := map[store.Ref]replica.Kind{ref("t", "ahead"): replica.Ahead, ref("t", "differing"): replica.Differing, ref("u", "extra"): replica.Extra}
	if got := kinds(verify(t, from, to, replica.Verification{})); !maps.Equal(got, want) {
		t.Errorf("left is %v", got)
	}
	if r := verify(t, from, to, replica.Verification{Repair: true, RemoveExtras: true}); r.Repaired != 1 {
		t.Errorf("removing gave %+v", r)
	}
	delete(want, ref("u", "extra"))
	if got := kinds(verify(t, from, to, replica.Verification{})); !maps.Equal(got, want) {
		t.Errorf("left is %v", got)
	}
}

// onGet is a store that has something happen before each read of single keys.
type onGet struct {
	store.Forward
	before func(ctx context.Context)
}

func (s *onGet) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	s.before(ctx)
	return s.Store.Get(ctx, refs)
}

// What has not got to the target yet when it is compared, and does in time, is no difference.
func TestVerifyWaits(t *testing.T) {
	t.Parallel()
	from, to := apart(t)
	install(t, from, entry("t", "new", 1, 1), entry("t", "newer", 2, 1), tombstone("t", "deleted", 2))
	install(t, to, entry("t", "newer", 1, 1), entry("t", "deleted", 1, 1))
	looks := 0
	late := &onGet{Forward: store.Forward{Store: to}, before: func(context.Context) {
		if looks++; looks == 3 {
			install(t, to, entry("t", "new", 1, 1), entry("t", "newer", 2, 1), tombstone("t", "deleted", 2))
		}
	}}
	if r := verify(t, from, late, replica.Verification{Patience: patience}); !r.Same() || looks != 3 {
		t.Errorf("after %d looks it told %+v", looks, r)
	}
}

// A key that is written all the time, so that the target is never where the source is, is
// no difference as long as the target follows; it is one as soon as it does not.
func TestVerifyOfABusyKey(t *testing.T) {
	t.Parallel()
	for _, follows := range []bool{true, false} {
		from, to := apart(t)
		install(t, from, entry("t", "k", 2, 1))
		install(t, to, entry("t", "k", 1, 1))
		version := int64(2)
		behind := &onGet{Forward: store.Forward{Store: to}, before: func(context.Context) {
			if follows {
				install(t, to, entry("t", "k", version-1, 1))
			}
		}}
		busy := &onGet{Forward: store.Forward{Store: from}, before: func(context.Context) {
			version++
			install(t, from, entry("t", "k", version, 1))
		}}
		if r := verify(t, busy, behind, replica.Verification{Patience: 200 * time.Millisecond}); r.Same() != follows {
			t.Errorf("where the target follows: %v, it told %+v", follows, r)
		}
	}
}

// A source whose places the feed can't be read from, as another engine's, is copied afresh.
func TestAnotherSource(t *testing.T) {
	t.Parallel()
	p := newPair(t, replica.Options{})
	p.put("t", "k", 1)
	p.same("t")
	place := store.Op{Kind: store.Put, Ref: ref("_replica", "a"), Value: value.Value{Data: []byte(`{"cursor":"?!","scope":"","token":"t","born":"t"}`)}}
	p.restart(func(o *replica.Options) {
		if _, err := o.To.Apply(t.Context(), store.Batch{Ops: []store.Op{place}}); err != nil {
			t.Fatal(err)
		}
	})
	p.put("t", "k", 2)
	p.same("t")
}
