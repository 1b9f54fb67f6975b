package router_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/value"
)

func TestMoved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ routes, pattern, to, want string }{
		{"*=primary-only(pg)", "users", "hot", "*=primary-only(pg); users=primary-only(hot)"},
		{"*=primary-only(pg)", "*", "hot", "*=primary-only(hot)"},
		{"*=cache-aside(pg,hot)", "users", "hot", "*=cache-aside(pg,hot); users=primary-only(hot)"},
		{"*=cache-aside(pg,hot)", "u*", "local", "*=cache-aside(pg,hot); u*=cache-aside(local,hot)"},
		{"*=multi-write(pg,hot)", "*", "hot", "*=multi-write(hot,pg)"},
		{"*=fastest-read(pg,hot,local)", "users", "local", "*=fastest-read(pg,hot,local); users=fastest-read(local,hot)"},
		{"*=primary-only(hot); a*=primary-only(pg); ab*=primary-only(local); abc=primary-only(pg)", "a*", "hot", "*=primary-only(hot); a*=primary-only(hot); ab*=primary-only(local); abc=primary-only(hot)"},
		{"*=primary-only(pg); a*=primary-only(local)", "ab", "hot", "*=primary-only(pg); a*=primary-only(local)"},
	} {
		next := parse(t, c.routes).Moved(c.pattern, "pg", c.to)
		if got := next.String(); got != c.want {
			t.Errorf("%s with %s moved to %s is\n%s, want\n%s", c.routes, c.pattern, c.to, got, c.want)
		}
		if err := next.Validate([]string{"pg", "hot", "local"}); err != nil {
			t.Error(err)
		}
	}
}

var moving = router.Transfer{Operation: "1", Tables: "t", From: "a", To: "b"}

func at(stage router.Stage) router.Transfer {
	t := moving
	t.Stage = stage
	return t
}

func putOp(table string) store.Batch {
	return store.Batch{Ops: []store.Op{{Kind: store.Put, Ref: store.Ref{Table: table, Key: "k"}, Value: value.Value{Data: []byte("1")}}}}
}

// soon asks until something is so.
func soon(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); !isSo(); {
		select {
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// TestTransfer takes a table through its stages. Writes to it wait in every instance from
// when it is held until it is over, reads do not, and what waited goes to the new primary.
func TestTransfer(t *testing.T) {
	t.Parallel()
	all := instances(t, 2)
	one, other := all[0], all[1]
	stage, version, err := one.Begin(t.Context(), moving)
	if err != nil || stage != router.Announced {
		t.Fatalf("%s, %v", stage, err)
	}
	if routes, v := one.Book.Routes(); v != version || routes.String() != "*=primary-only(a)" {
		t.Errorf("the routes are %s at %d", routes, v)
	}
	if _, err := other.Router.Apply(t.Context(), putOp("t")); err != nil {
		t.Errorf("once announced: %v", err)
	}
	if _, _, err := other.Begin(t.Context(), router.Transfer{Operation: "2", Tables: "u", From: "a", To: "b"}); !errors.Is(err, store.Busy) {
		t.Errorf("another one beside: %v", err)
	}
	if _, _, err := other.Put(t.Context(), parse(t, "*=primary-only(b)"), router.Change{Moves: true}); !errors.Is(err, store.Busy) {
		t.Errorf("other routes meanwhile: %v", err)
	}
	if version, err = one.Advance(t.Context(), at(router.Held), version, nil); err != nil {
		t.Fatal(err)
	}
	soon(t, "the other one to hold", func() bool {
		now, _ := other.Transfer()
		return now != nil && now.Stage == router.Held
	})
	var waiting sync.WaitGroup
	var done atomic.Int64
	for _, x := range all {
		waiting.Go(func() {
			if _, err := x.Router.Apply(t.Context(), putOp("t")); err != nil {
				t.Error(err)
			}
			done.Add(1)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := x.Router.Apply(ctx, putOp("t")); !errors.Is(err, store.Timeout) {
			t.Errorf("a write that may not wait: %v", err)
		}
		cancel()
		if _, err := x.Router.Get(t.Context(), []store.Ref{{Table: "t", Key: "k"}}); err != nil {
			t.Errorf("a read: %v", err)
		}
		if _, err := x.Router.Apply(t.Context(), putOp("u")); err != nil {
			t.Errorf("another table: %v", err)
		}
	}
	if version, err = one.Advance(t.Context(), at(router.Switched), version, parse(t, "*=primary-only(a); t=primary-only(b)")); err != nil {
		t.Fatal(err)
	}
	if stage, again, err := other.Begin(t.Context(), moving); err != nil || stage != router.Switched || again != version {
		t.Errorf("taken up it is %s at %d, %v", stage, again, err)
	}
	if err := other.Rebuild(); err != nil {
		t.Error(err)
	}
	if done.Load() > 0 {
		t.Error("a write did not wait")
	}
	if err := one.End(t.Context(), at(router.Held)); err != nil {
		t.Error(err)
	}
	if now, _ := one.Transfer(); now == nil {
		t.Error("it was ended at another stage than it is")
	}
	if err := errors.Join(one.End(t.Context(), at(router.Switched)), one.End(t.Context(), at(router.Switched))); err != nil {
		t.Error(err)
	}
	waiting.Wait()
	read, err := all[0].b.Get(t.Context(), []store.Ref{{Table: "t", Key: "k"}})
	if err != nil || read.Entries[0].Version != 2 {
		t.Errorf("the new primary has %+v, %v", read.Entries, err)
	}
	soon(t, "the other one to be done", func() bool { now, _ := other.Transfer(); return now == nil })
}

// TestTransferIsFenced has an operation run twice: the one that is behind gets no further.
func TestTransferIsFenced(t *testing.T) {
	t.Parallel()
	all := instances(t, 2)
	_, version, err := all[0].Begin(t.Context(), moving)
	if err != nil {
		t.Fatal(err)
	}
	held, err := all[0].Advance(t.Context(), at(router.Held), version, nil)
	if err != nil {
		t.Fatal(err)
	}
	if stage, _, err := all[1].Begin(t.Context(), moving); err != nil || stage != router.Announced {
		t.Fatalf("%s, %v", stage, err)
	}
	if _, err := all[0].Advance(t.Context(), at(router.Switched), held, parse(t, "*=primary-only(b)")); !errors.Is(err, store.Busy) {
		t.Errorf("from where it was before: %v", err)
	}
	if err := all[1].End(t.Context(), at(router.Announced)); err != nil {
		t.Fatal(err)
	}
	if routes, _ := all[1].Book.Routes(); routes.String() != "*=primary-only(a)" {
		t.Errorf("the routes are %s", routes)
	}
}

// slow is a strategy whose writes take until they are told to go on.
type slow struct {
	*lent
	begun, goOn chan struct{}
}

func (s *slow) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	close(s.begun)
	<-s.goOn
	return s.lent.Apply(ctx, b)
}

// TestSettled counts the calls by earlier lanes, and none that waits for changes.
func TestSettled(t *testing.T) {
	t.Parallel()
	primary := model("a")
	defer primary.Close()
	a := &slow{lent: lend(primary), begun: make(chan struct{}), goOn: make(chan struct{})}
	r := newRouter(t, primary, lane("*", a, primary))
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	calls.Go(func() {
		feed, err := r.Changes(ctx, store.Changes{Table: "t", FromNow: true})
		if err == nil {
			_, err = r.Changes(ctx, store.Changes{Table: "t", Since: feed.Next, Wait: time.Minute})
		}
		if !errors.Is(err, store.Canceled) {
			t.Error(err)
		}
	})
	calls.Go(func() {
		if _, err := r.Apply(t.Context(), putOp("slow")); err != nil {
			t.Error(err)
		}
	})
	<-a.begun
	r.Swap([]router.Lane{lane("*", a, primary)})
	r.Swap([]router.Lane{lane("*", a, primary)})
	if r.Settled() {
		t.Error("a write is under way")
	}
	close(a.goOn)
	soon(t, "it to settle", r.Settled)
	cancel()
	calls.Wait()
}

// TestTrust has an instance that has not heard for too long what counts.
func TestTrust(t *testing.T) {
	t.Parallel()
	a, b := model("a"), model("b")
	defer a.Close()
	defer b.Close()
	r := newRouter(t, a, lane("*", lend(a), a))
	defer r.Close()
	var trusted atomic.Bool
	r.Swap([]router.Lane{lane("*", lend(a), a)}, router.Hold{Tables: "t*", From: "a", To: "b", Trusted: trusted.Load})
	for table, fails := range map[string]bool{"t": true, "tt": true, "u": false, "_x": false} {
		_, err := r.Apply(t.Context(), putOp(table))
		_, readErr := r.Get(t.Context(), []store.Ref{{Table: table, Key: "k"}})
		_, scanErr := r.Scan(t.Context(), store.Scan{Table: table})
		for _, err := range []error{err, readErr, scanErr} {
			if errors.Is(err, store.Unavailable) != fails {
				t.Errorf("%s: %v", table, err)
			}
		}
	}
	trusted.Store(true)
	if _, err := r.Apply(t.Context(), putOp("t")); err != nil {
		t.Error(err)
	}
}

// TestRoster waits for instances that live, and not for those that are gone or dead.
func TestRoster(t *testing.T) {
	t.Parallel()
	all := instances(t, 3)
	var rosters []*router.Roster
	for n, x := range all {
		r := router.OpenRoster(t.Context(), router.RosterOptions{
			Store: x.Router, Instance: strconv.Itoa(n), Name: "larder-" + strconv.Itoa(n),
			Beat: 10 * time.Millisecond, Trust: 200 * time.Millisecond, Dead: 500 * time.Millisecond,
		})
		rosters = append(rosters, r)
	}
	rosters[0].Follow(all[0].Book)
	rosters[1].Follow(all[1].Book)
	_, version, err := all[0].Begin(t.Context(), moving)
	if err != nil {
		t.Fatal(err)
	}
	soonOver, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if names, err := rosters[0].Await(soonOver, version, func([]string) {}); err == nil || !strings.Contains(strings.Join(names, " "), "larder-2") {
		t.Errorf("with one that has said nothing yet it waited for %q, %v", names, err)
	}
	if n, err := rosters[0].Others(t.Context()); err != nil || n != 2 {
		t.Errorf("there are %d others, %v", n, err)
	}
	// The third is never heard of again, and then does not trust itself.
	if names, err := rosters[0].Await(t.Context(), version, func([]string) {}); err != nil {
		t.Errorf("it waits for %q, %v", names, err)
	}
	if rosters[2].Trusted() || !rosters[0].Trusted() {
		t.Error("one that is taken for gone trusts itself, or one that lives does not")
	}
	if err := rosters[1].Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := rosters[0].Others(t.Context()); err != nil || n != 0 {
		t.Errorf("of %d others one has gone and one is dead, %v", n, err)
	}
	if err := rosters[0].Close(); err != nil {
		t.Error(err)
	}
}
