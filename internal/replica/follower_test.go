package replica_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for what has to come sooner or later.
const patience = 20 * time.Second

// away is a store that can be cut off, and that can refuse a key.
type away struct {
	store.Forward
	down     atomic.Bool
	silent   atomic.Bool // tells no changes
	unwanted atomic.Pointer[string]
}

func unavailable() error { return &store.Error{Code: store.Unavailable} }

func (a *away) Install(ctx context.Context, entries []store.Entry) error {
	if a.down.Load() {
		return unavailable()
	}
	if key := a.unwanted.Load(); key != nil {
		for i := range entries {
			if entries[i].Key == *key {
				return &store.Error{Code: store.UniqueViolation}
			}
		}
	}
	return a.Store.Install(ctx, entries)
}

func (a *away) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if a.down.Load() {
		return nil, unavailable()
	}
	return a.Store.Apply(ctx, b)
}

func (a *away) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if a.silent.Load() {
		return store.Feed{}, unavailable()
	}
	return a.Store.Changes(ctx, c)
}

// pair is a source and what follows it.
type pair struct {
	*testing.T
	clock    *storetest.Clock
	from     *storetest.Model
	to       *away
	follower *replica.Follower
	options  replica.Options
}

func newPair(t *testing.T, o replica.Options) *pair {
	t.Helper()
	p := &pair{T: t, clock: storetest.NewClock()}
	p.from = storetest.NewModel(storetest.ModelOptions{Name: "a", Clock: p.clock.Now})
	p.to = &away{Forward: store.Forward{Store: storetest.NewModel(storetest.ModelOptions{Name: "b"})}}
	o.From, o.FromName, o.To = p.from, "a", p.to
	o.Every, o.Pause, o.MaxPause, o.Page = time.Millisecond, time.Millisecond, 5*time.Millisecond, 7
	p.options = o
	p.follower = replica.Follow(o)
	t.Cleanup(func() {
		for _, err := range []error{p.follower.Close(), p.from.Close(), p.to.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return p
}

// restart ends the following and begins anew, as another process does.
func (p *pair) restart(change func(o *replica.Options)) {
	p.Helper()
	if err := p.follower.Close(); err != nil {
		p.Fatal(err)
	}
	if change != nil {
		change(&p.options)
	}
	p.follower = replica.Follow(p.options)
}

func ref(table, key string) store.Ref { return store.Ref{Table: table, Key: key} }

func (p *pair) put(table, key string, n int) {
	p.Helper()
	op := store.Op{Kind: store.Put, Ref: ref(table, key), Value: value.Value{Data: fmt.Appendf(nil, "%d", n)}}
	if _, err := p.from.Apply(p.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
		p.Fatal(err)
	}
}

func (p *pair) remove(table, key string) {
	p.Helper()
	if _, err := p.from.Apply(p.Context(), store.Batch{Ops: []store.Op{{Kind: store.Delete, Ref: ref(table, key)}}}); err != nil {
		p.Fatal(err)
	}
}

// dump is all that a store has in the tables that are not the system's, deletions too.
func dump(t *testing.T, s store.Store, tables ...string) string {
	t.Helper()
	var all strings.Builder
	for _, table := range tables {
		var lines []string
		c := store.Changes{Table: table}
		for more := true; more; {
			feed, err := s.Changes(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for _, change := range feed.Changes {
				lines = append(lines, fmt.Sprintf("%s/%s %d %v %s %v", change.Table, change.Key, change.Version, change.Deleted, change.Value.Data, change.UpdatedAt))
			}
			c.Since, more = feed.Next, feed.More
		}
		slices.Sort(lines)
		all.WriteString(strings.Join(lines, "\n") + "\n")
	}
	return all.String()
}

func (p *pair) eventually(what string, isSo func() bool) {
	p.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); !isSo(); {
		select {
		case <-timeout:
			p.Fatalf("waited in vain for %s: %+v", what, p.follower.Status())
		case <-tick.C:
		}
	}
}

// same waits until both have the same.
func (p *pair) same(tables ...string) {
	p.Helper()
	p.eventually("both to have the same", func() bool { return dump(p.T, p.from, tables...) == dump(p.T, p.to, tables...) })
}

// However often the target is away, and the process ends, it comes to have what the source
// has: values, versions and deletions.
func TestConverges(t *testing.T) {
	t.Parallel()
	p := newPair(t, replica.Options{})
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for round := range 30 {
		p.to.down.Store(random.IntN(2) == 0)
		for range 20 {
			table, key := fmt.Sprint("t", random.IntN(3)), fmt.Sprint("k", random.IntN(30))
			if random.IntN(3) == 0 {
				p.remove(table, key)
			} else {
				p.put(table, key, random.IntN(1000))
			}
		}
		if random.IntN(4) == 0 {
			p.restart(nil)
		}
		if round%10 == 9 {
			p.to.down.Store(false)
			p.same("t0", "t1", "t2")
		}
	}
	if s := p.follower.Status(); !s.Known || s.Failing != "" {
		t.Errorf("in the end it is %+v", s)
	}
}

// The lag grows while the target is away, and is next to nothing when it is not.
func TestLag(t *testing.T) {
	t.Parallel()
	p := newPair(t, replica.Options{})
	p.eventually("it to catch up", func() bool { _, known := p.follower.Lag(); return known })
	p.to.down.Store(true)
	p.put("t", "k", 1)
	p.eventually("the lag to grow", func() bool { lag, _ := p.follower.Lag(); return lag > 50*time.Millisecond })
	if s := p.follower.Status(); s.Failing != store.Unavailable {
		t.Errorf("it fails for %q", s.Failing)
	}
	p.to.down.Store(false)
	p.eventually("it to catch up again", func() bool { lag, _ := p.follower.Lag(); return lag < 50*time.Millisecond })
	p.same("t")
}

// A target that was away for longer than deletions are remembered is copied afresh, and
// what was deleted meanwhile does not stay.
func TestAwayForTooLong(t *testing.T) {
	t.Parallel()
	p := newPair(t, replica.Options{})
	for n := range 20 {
		p.put("t", fmt.Sprint("k", n), n)
	}
	p.same("t")
	p.to.down.Store(true)
	for n := range 10 {
		p.remove("t", fmt.Sprint("k", n))
	}
	p.clock.Advance(100 * 24 * time.Hour)
	if err := p.from.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil {
		t.Fatal(err)
	}
	p.put("t", "k3", 33) // comes back
	p.to.down.Store(false)
	p.eventually("the deleted to be gone", func() bool {
		page, err := p.to.Scan(t.Context(), store.Scan{Table: "t"})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Entries) == 11
	})
	for _, s := range []store.Store{p.from, p.to} {
		read, err := s.Get(t.Context(), []store.Ref{ref("t", "k3"), ref("t", "k15")})
		if err != nil || string(read.Entries[0].Value.Data) != "33" || read.Entries[1].Version != 1 {
			t.Errorf("there is %+v, %v", read.Entries, err)
		}
	}
}

// Only the tables that are wanted are followed, and others from their beginning once they
// are wanted too.
func TestScope(t *testing.T) {
	t.Parallel()
	p := newPair(t, replica.Options{Scope: "a*", Tables: func(table string) bool { return strings.HasPrefix(table, "a") }})
	p.put("a1", "k", 1)
	p.put("b1", "k", 1)
	p.put("_system", "k", 1)
	p.same("a1")
	if got := dump(t, p.to, "b1", "_system"); strings.TrimSpace(got) != "" {
		t.Errorf("there is also %q", got)
	}
	p.restart(func(o *replica.Options) { o.Scope, o.Tables = "*", nil })
	p.same("a1", "b1")
	if got := dump(t, p.to, "_system"); strings.TrimSpace(got) != "" {
		t.Errorf("there is also %q", got)
	}
}

// An entry that the target can't hold does not keep the others away.
func TestRefusedEntry(t *testing.T) {
	t.Parallel()
	p := newPair(t, replica.Options{})
	unwanted := "bad"
	p.to.unwanted.Store(&unwanted)
	for _, key := range []string{"a", "bad", "b"} {
		p.put("t", key, 1)
	}
	p.eventually("the others", func() bool {
		read, err := p.to.Get(t.Context(), []store.Ref{ref("t", "a"), ref("t", "b"), ref("t", "bad")})
		return err == nil && read.Entries[0].Exists() && read.Entries[1].Exists() && !read.Entries[2].Exists()
	})
	p.eventually("it to be counted", func() bool { return p.follower.Status().Refused > 0 })
	if by := p.follower.Status().Refusals; len(by) != 1 || by[0].Table != "t" || by[0].Code != store.UniqueViolation || by[0].Count < 1 || by[0].Last.IsZero() {
		t.Errorf("it is told as %+v", by)
	}
}
