package replica_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// split is a store, the successor that took over from it, and what either had then.
type split struct {
	t          *testing.T
	random     *rand.Rand
	old, next  *storetest.Model
	since      store.Cursor
	place      store.Cursor
	touched    map[string]bool // by the successor since
	unreceived map[string]bool // written in the old one, and not brought
}

func newSplit(t *testing.T, seed uint64) *split {
	t.Helper()
	from, to := apart(t)
	return &split{t: t, random: rand.New(rand.NewPCG(seed, 1)), old: from, next: to, touched: map[string]bool{}, unreceived: map[string]bool{}}
}

// write writes some keys at random, with deletions.
func (s *split) write(in store.Store, count int, note map[string]bool) {
	s.t.Helper()
	for n := range count {
		ref := store.Ref{Table: "things", Key: fmt.Sprintf("k%02d", s.random.IntN(30))}
		op := store.Op{Kind: store.Put, Ref: ref, Value: value.Value{Data: fmt.Appendf(nil, "%d", s.random.IntN(1000)*1000+n)}}
		if s.random.IntN(4) == 0 {
			op = store.Op{Kind: store.Delete, Ref: ref}
		}
		results, err := in.Apply(s.t.Context(), store.Batch{Ops: []store.Op{op}})
		if err != nil {
			s.t.Fatal(err)
		}
		if note != nil && results[0].Changed {
			note[ref.Key] = true
		}
	}
}

// takeOver brings the successor some of the feed, in part past the place that it kept.
func (s *split) takeOver() {
	s.t.Helper()
	feed, err := s.old.Changes(s.t.Context(), store.Changes{Table: "things"})
	if err != nil {
		s.t.Fatal(err)
	}
	brought, kept := s.random.IntN(len(feed.Changes)+1), 0
	if brought > 0 {
		kept = s.random.IntN(brought + 1)
	}
	for i, c := range feed.Changes {
		if i < kept {
			s.place = c.Cursor
		}
		if i < brought || s.random.IntN(5) == 0 {
			install(s.t, s.next, c.Entry)
		} else {
			s.unreceived[c.Key] = true
		}
	}
	now, err := s.next.Changes(s.t.Context(), store.Changes{FromNow: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.since = now.Next
}

func (s *split) entries(in store.Store) map[string]store.Entry {
	s.t.Helper()
	refs := make([]store.Ref, 30)
	for n := range refs {
		refs[n] = store.Ref{Table: "things", Key: fmt.Sprintf("k%02d", n)}
	}
	read, err := in.Get(s.t.Context(), refs)
	if err != nil {
		s.t.Fatal(err)
	}
	all := make(map[string]store.Entry)
	for _, e := range read.Entries {
		all[e.Key] = e
	}
	return all
}

func alike(a, b store.Entry) bool {
	return a.Exists() == b.Exists() && (!a.Exists() || a.Value.Equal(b.Value))
}

// TestRejoin has a store replaced at a random moment, and both written to: nothing that was
// written in one only is lost, what was written in both is as the successor has it, versions
// only grow, and both are the same in the end.
func TestRejoin(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		s := newSplit(t, seed)
		s.write(s.old, 40, nil)
		s.takeOver()
		s.write(s.next, 15, s.touched)
		old, before := s.entries(s.old), s.entries(s.next)
		o := replica.Rejoining{From: s.next, To: s.old, Since: s.since, Places: []store.Cursor{s.place}, Page: 7}
		o.DryRun = true
		would, err := replica.Rejoin(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if now := s.entries(s.next); fmt.Sprint(now) != fmt.Sprint(before) {
			t.Fatalf("seed %d: a dry run changed something", seed)
		}
		o.DryRun = false
		did, err := replica.Rejoin(t.Context(), o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if would.Recovered.Count != did.Recovered.Count || would.Overruled.Count != did.Overruled.Count {
			t.Errorf("seed %d: it was to be %+v and is %+v", seed, would, did)
		}
		after, there := s.entries(s.next), s.entries(s.old)
		for key, e := range after {
			want := before[key]
			if s.unreceived[key] && !s.touched[key] {
				want = old[key]
			}
			if !alike(e, want) {
				t.Errorf("seed %d: %s is %+v, want %+v", seed, key, e, want)
			}
			lost := s.place != "" && s.unreceived[key] && s.touched[key] && !alike(e, old[key])
			if lost && !slices.Contains(did.Overruled.Keys, e.Ref) {
				t.Errorf("seed %d: nobody is told that %s was %+v", seed, key, old[key])
			}
			if e.Version < before[key].Version || e.Exists() && e.Version < old[key].Version {
				t.Errorf("seed %d: %s is at version %d, and was at %d and %d", seed, key, e.Version, before[key].Version, old[key].Version)
			}
			if e.Exists() != there[key].Exists() || e.Exists() && !e.Equal(there[key]) {
				t.Errorf("seed %d: %s is %+v in one, and %+v in the other", seed, key, e, there[key])
			}
		}
		again, err := replica.Rejoin(t.Context(), o)
		if err != nil || again.Recovered.Count != 0 || !again.Report.Same() {
			t.Errorf("seed %d: again it does %+v, %v", seed, again, err)
		}
		if t.Failed() {
			return
		}
	}
}

// TestRejoinKnowsNothing has the successor count where it is not known what it has written.
func TestRejoinKnowsNothing(t *testing.T) {
	t.Parallel()
	s := newSplit(t, 1)
	s.write(s.old, 40, nil)
	s.takeOver()
	before := s.entries(s.next)
	did, err := replica.Rejoin(t.Context(), replica.Rejoining{From: s.next, To: s.old})
	if err != nil || did.Recovered.Count != 0 || did.Overruled.Count == 0 {
		t.Fatalf("it came to %+v, %v", did, err)
	}
	for key, e := range s.entries(s.next) {
		if !alike(e, before[key]) {
			t.Errorf("%s is %+v, want %+v", key, e, before[key])
		}
	}
}

// meddler writes a key in the moment in which it is to be written.
type meddler struct {
	*storetest.Model
	t    *testing.T
	ref  store.Ref
	left int
}

func (m *meddler) write() {
	op := store.Op{Kind: store.Put, Ref: m.ref, Value: value.Value{Data: fmt.Appendf(nil, "%d", m.left)}}
	if _, err := m.Model.Apply(m.t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
		m.t.Error(err)
	}
}

// Apply writes before, as long as anything is left to write.
func (m *meddler) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if m.left > 0 {
		m.left--
		m.write()
	}
	return m.Model.Apply(ctx, b)
}

// TestRejoinWhileItIsWritten has a client write the key that is being recovered: that counts.
func TestRejoinWhileItIsWritten(t *testing.T) {
	t.Parallel()
	old, next := apart(t)
	install(t, old, entry("things", "k", 9, 1))
	install(t, next, entry("things", "k", 2, 0))
	now, err := next.Changes(t.Context(), store.Changes{FromNow: true})
	if err != nil {
		t.Fatal(err)
	}
	m := &meddler{Model: next, t: t, ref: store.Ref{Table: "things", Key: "k"}, left: 3}
	if _, err := replica.Rejoin(t.Context(), replica.Rejoining{From: m, To: old, Since: now.Next}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []store.Store{next, old} {
		read, err := s.Get(t.Context(), []store.Ref{m.ref})
		if e := read.Entries[0]; err != nil || string(e.Value.Data) != "0" || e.Version <= 9 {
			t.Errorf("it is %+v, %v", e, err)
		}
	}
}
