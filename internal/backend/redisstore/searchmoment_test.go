package redisstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// In these tests every query takes many scripts, with writes between them.
const (
	places = 60
	seven  = 7
)

func seventh(o *Options) { o.ScriptEntries = seven }

// numberAt is a number of an entry's value.
func numberAt(t *testing.T, e store.Entry, path ...string) int {
	t.Helper()
	raw, _ := value.Pointer(path).Lookup(e.Value.Data)
	n, err := strconv.Atoi(string(raw))
	if err != nil {
		t.Fatalf("%s: %s", e.Key, e.Value.Data)
	}
	return n
}

// whileWriting has writers do what write says, again and again, until ask is done.
func (f *fixture) whileWriting(write func(ctx context.Context, r *rand.Rand) error, ask func()) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	var writers sync.WaitGroup
	for i := range 3 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 0))
			for ctx.Err() == nil {
				if err := write(ctx, r); err != nil && ctx.Err() == nil {
					f.t.Errorf("writing: %v", err)
					return
				}
			}
		})
	}
	ask()
	cancel()
	writers.Wait()
}

// TestSumsOfOneMoment has amounts move from one entry to another in batches, while
// their sum is asked for in several ways.
func TestSumsOfOneMoment(t *testing.T) {
	s := open(t, seventh)
	s.index("n", numberField("n"))
	s.fill(places, func(i int) string { return fmt.Sprintf(`{"n":100,"place":%d}`, i) })
	add := func(i, delta int) store.Op {
		return store.Op{Kind: store.Increment, Ref: ref(fmt.Sprintf("k%05d", i)), Increment: store.Step{Path: value.Pointer{"n"}, Delta: []byte(strconv.Itoa(delta))}}
	}
	s.whileWriting(func(ctx context.Context, r *rand.Rand) error {
		from, to, n := r.IntN(places), r.IntN(places), 1+r.IntN(20)
		if from == to {
			return nil
		}
		_, err := s.Apply(ctx, store.Batch{Ops: []store.Op{add(from, -n), add(to, n)}})
		return err
	}, func() {
		all := and(is("/n", value.OpGte, "-1000000"), is("/place", value.OpGte, "0"))
		for _, q := range []store.Query{
			{},
			{Sort: sortedBy("/n", true)},
			{Filter: is("/place", value.OpGte, "0"), Sort: sortedBy("/place", false)},
			{Filter: is("/n", value.OpGte, "-1000000")},
			{Filter: is("/n", value.OpGte, "-1000000"), Sort: sortedBy("/n", false)},
			{Filter: all, Sort: sortedBy("/n", true)},
		} {
			for range 15 {
				found, sum := s.search(q), 0
				for _, e := range found.Entries {
					sum += numberAt(t, e, "n")
				}
				if len(found.Entries) != places || sum != 100*places {
					t.Errorf("%+v by %+v: %d entries, and their sum is %d, want %d", q, found.Plan, len(found.Entries), sum, 100*places)
				}
			}
		}
	})
}

// TestPagesOfOneMoment has entries change places two by two. The ranks of those on a
// page are then known.
func TestPagesOfOneMoment(t *testing.T) {
	s := open(t, seventh)
	s.index("rank", numberField("rank"))
	s.fill(places, func(i int) string { return fmt.Sprintf(`{"rank":%d,"even":true}`, i) })
	s.whileWriting(func(ctx context.Context, r *rand.Rand) error {
		a, b := ref(fmt.Sprintf("k%05d", r.IntN(places))), ref(fmt.Sprintf("k%05d", r.IntN(places)))
		read, err := s.Get(ctx, []store.Ref{a, b})
		if err != nil || a == b {
			return err
		}
		_, err = s.Apply(ctx, store.Batch{Ops: []store.Op{
			{Kind: store.Put, Ref: a, Value: read.Entries[1].Value, If: store.Precondition{Versions: []int64{read.Entries[0].Version}}},
			{Kind: store.Put, Ref: b, Value: read.Entries[0].Value, If: store.Precondition{Versions: []int64{read.Entries[1].Version}}},
		}})
		if store.CodeOf(err).Fault() == store.CallersFault {
			return nil // another was in between
		}
		return err
	}, func() {
		indexed := is("/rank", value.OpGte, "0")
		for _, filter := range []value.Filter{{}, indexed, and(indexed, is("/even", value.OpEq, "true"))} {
			for _, descending := range []bool{false, true} {
				for _, from := range []int{-1, 20} {
					q := store.Query{Filter: filter, Sort: sortedBy("/rank", descending), Limit: 12}
					if from > 0 {
						q.After = &store.Position{Sort: []value.Value{value.MustParse(strconv.Itoa(from))}, Key: "z"}
					}
					for range 8 {
						s.ranksFollow(q, from)
					}
				}
			}
		}
	})
}

// ranksFollow asks for a page, after a rank or from an end, and holds it to the ranks
// that belong on it.
func (f *fixture) ranksFollow(q store.Query, from int) {
	t := f.t.(*testing.T)
	t.Helper()
	found := f.search(q)
	var got, want []int
	for i, e := range found.Entries {
		got = append(got, numberAt(t, e, "rank"))
		switch {
		case !q.Sort[0].Descending:
			want = append(want, from+1+i)
		case from < 0:
			want = append(want, places-1-i)
		default:
			want = append(want, from-1-i)
		}
	}
	if !slices.Equal(got, want) || len(got) != q.Limit {
		t.Errorf("%+v by %+v: got the ranks %v, want %v", q, found.Plan, got, want)
	}
}

// TestCountsOfOneMoment has marks go from one entry to another, also by what lives and
// what is deleted.
func TestCountsOfOneMoment(t *testing.T) {
	s := open(t, seventh)
	s.index("place", numberField("place"))
	text := func(i int, marked bool) string { return fmt.Sprintf(`{"place":%d,"marked":%t}`, i, marked) }
	s.fill(places, func(i int) string { return text(i, i%2 == 0) })
	s.whileWriting(func(ctx context.Context, r *rand.Rand) error {
		half := r.IntN(places / 2) // of a pair one is marked, and the other may not be there
		first, second := put(fmt.Sprintf("k%05d", 2*half), text(2*half, true)), remove(fmt.Sprintf("k%05d", 2*half+1))
		switch r.IntN(3) {
		case 0:
			first, second = remove(fmt.Sprintf("k%05d", 2*half)), put(fmt.Sprintf("k%05d", 2*half+1), text(2*half+1, true))
		case 1:
			second = put(fmt.Sprintf("k%05d", 2*half+1), text(2*half+1, false))
		}
		_, err := s.Apply(ctx, store.Batch{Ops: []store.Op{first, second}})
		return err
	}, func() {
		marked := is("/marked", value.OpEq, "true")
		for _, filter := range []value.Filter{marked, and(is("/place", value.OpGte, "0"), marked)} {
			for range 40 {
				if counted := s.count(store.Query{Filter: filter}); counted.Count != places/2 {
					t.Errorf("by %+v: counted %d, want %d", counted.Plan, counted.Count, places/2)
				}
			}
		}
	})
}

// walkOf begins a walk for a query of table t.
func (f *fixture) walkOf(q store.Query) *walk {
	f.t.Helper()
	q.Table = "t"
	r, err := f.newSearch(f.t.Context(), q)
	if err != nil {
		f.t.Fatal(err)
	}
	return r.newWalk(r.link.home())
}

// steps has a walk read some chunks.
func (w *walk) steps(t testing.TB, m matches, n int) {
	t.Helper()
	for range n {
		if err := w.next(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAWalkGoesOnForWhatItLost has all that a walk in order has found be deleted before
// it ends.
func TestAWalkGoesOnForWhatItLost(t *testing.T) {
	s := open(t, seventh)
	s.fill(places, func(i int) string { return fmt.Sprintf(`{"n":%d}`, i) })
	w := s.walkOf(store.Query{Limit: 10})
	m := page{w.query.CollectSpare(seven)}
	w.steps(t, m, 2)
	for i := range 14 {
		s.apply(remove(fmt.Sprintf("k%05d", i)))
	}
	s.apply(put("k00000a", `{"n":0}`)) // behind the walk
	for i := range 10 {
		s.apply(put(fmt.Sprint("z", i), `{"n":0}`)) // ahead of it
	}
	if err := w.run(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	want := []string{"k00000a", "k00014", "k00015", "k00016", "k00017", "k00018", "k00019", "k00020", "k00021", "k00022"}
	if got := keysOf(m.Found().Entries); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAWalkThatIsOutpaced has so much of what a walk has found be deleted that what it
// passed over belongs on the page.
func TestAWalkThatIsOutpaced(t *testing.T) {
	s := open(t, seventh)
	s.fill(places, func(i int) string { return fmt.Sprintf(`{"n":%d}`, i) })
	q := store.Query{Limit: 10, Sort: sortedBy("/n", false)}
	w := s.walkOf(q)
	m := page{w.query.CollectSpare(seven)}
	w.steps(t, m, 4)
	for i := range 20 {
		s.apply(remove(fmt.Sprintf("k%05d", i)))
	}
	if err := w.run(t.Context(), m); err != errOutpaced { //nolint:errorlint // it is given as it is
		t.Errorf("got %v, want that it has to begin anew", err)
	}
	if found := s.search(q); len(found.Entries) != 10 || found.Entries[0].Key != "k00020" {
		t.Errorf("anew: got %q", keysOf(found.Entries))
	}
}

// TestAWalkKnowsThatDeletionsWereForgotten has an entry that it found be deleted, and
// its tombstone too.
func TestAWalkKnowsThatDeletionsWereForgotten(t *testing.T) {
	clock := storetest.NewClock()
	s := open(t, seventh, func(o *Options) { o.Now = clock.Now })
	s.fill(places, func(i int) string { return fmt.Sprintf(`{"n":%d}`, i) })
	w, m := s.walkOf(store.Query{Limit: places}), newTally()
	w.steps(t, m, 2)
	s.apply(remove("k00000"))
	clock.Advance(2 * s.options.Retention.Tombstones)
	if err := s.reap(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if err := w.run(t.Context(), m); err != errOutpaced { //nolint:errorlint // it is given as it is
		t.Errorf("got %v, want that it has to begin anew", err)
	}
}

// TestAWalkLeavesOutWhatExpiresMeanwhile has entries that it found expire before it
// ends.
func TestAWalkLeavesOutWhatExpiresMeanwhile(t *testing.T) {
	clock := storetest.NewClock()
	s := open(t, seventh, func(o *Options) { o.Now = clock.Now })
	s.fill(places, func(i int) string { return fmt.Sprintf(`{"n":%d}`, i) })
	for i := range 5 {
		op := put(fmt.Sprintf("k%05d", i), `{"n":0}`)
		op.Expiry = store.ExpiresIn(time.Second)
		s.apply(op)
	}
	for name, m := range map[string]matches{"found": page{s.walkOf(store.Query{}).query.CollectSpare(seven)}, "counted": newTally()} {
		w := s.walkOf(store.Query{})
		w.steps(t, m, 2)
		clock.Advance(time.Second)
		if err := w.run(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n := 0
		switch m := m.(type) {
		case page:
			n = len(m.Found().Entries)
		case *tally:
			n = int(m.count())
		}
		if n != places-5 {
			t.Errorf("%s: %d, want %d", name, n, places-5)
		}
	}
}

// TestAWalkBeginsAnewWithOtherIndexes has the index that a walk goes by be dropped.
func TestAWalkBeginsAnewWithOtherIndexes(t *testing.T) {
	s := open(t, seventh)
	s.index("n", numberField("n"))
	s.fill(places, func(i int) string { return fmt.Sprintf(`{"n":%d}`, i) })
	q := store.Query{Filter: is("/n", value.OpGte, "0")}
	s.search(q)
	w, m := s.walkOf(q), newTally()
	if w.access.Index == nil {
		t.Fatal("it goes by no index")
	}
	w.steps(t, m, 2)
	other := s.beside()
	if err := other.DropIndex(t.Context(), "t", "n"); err != nil {
		t.Fatal(err)
	}
	if err := w.run(t.Context(), m); err != errMoved { //nolint:errorlint // it is given as it is
		t.Errorf("got %v, want that it has to begin anew", err)
	}
	if found := s.search(q); len(found.Entries) != places || found.Plan.Mode != store.ByScan {
		t.Errorf("anew: got %d entries by %+v", len(found.Entries), found.Plan)
	}
}
