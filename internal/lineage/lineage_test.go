package lineage

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// site are members as some instances see them.
type site struct {
	testing.TB
	members []*away
}

// away is a member that may be out of reach.
type away struct {
	store.Store
	name string
	own  bool // where it is called local, which no other instance has
	gone atomic.Bool
}

func (a *away) reach() error {
	if a.gone.Load() {
		return &store.Error{Code: store.Unavailable}
	}
	return nil
}

func (a *away) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if err := a.reach(); err != nil {
		return store.Read{}, err
	}
	return a.Store.Get(ctx, refs)
}

func (a *away) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if err := a.reach(); err != nil {
		return nil, err
	}
	return a.Store.Apply(ctx, b)
}

func newSite(t testing.TB, names ...string) *site {
	s := &site{TB: t}
	for _, name := range names {
		s.members = append(s.members, &away{Store: storetest.NewModel(storetest.ModelOptions{}), name: name, own: name == "local"})
	}
	return s
}

// another is the site as another instance sees it, whose own members are others.
func (s *site) another() *site {
	other := &site{TB: s.TB}
	for _, m := range s.members {
		seen := &away{Store: m.Store, name: m.name, own: m.own}
		if m.own {
			seen.Store = storetest.NewModel(storetest.ModelOptions{})
		}
		other.members = append(other.members, seen)
	}
	return other
}

func (s *site) of(name string) *away {
	for _, m := range s.members {
		if m.name == name {
			return m
		}
	}
	s.Fatalf("there is no %s", name)
	return nil
}

func (s *site) open(changed func(Claim)) *Keeper {
	s.Helper()
	k, err := Open(s.Context(), Options{Changed: changed, Members: func() []Member {
		var all []Member
		for _, m := range s.members {
			all = append(all, Member{m.name, m, m.own})
		}
		return all
	}})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = k.Close() })
	return k
}

// fenced says who is.
func fenced(k *Keeper, names ...string) string {
	var all []string
	for _, name := range names {
		if k.Fence(name) != "" {
			all = append(all, name)
		}
	}
	return strings.Join(all, " ")
}

// TestPromotion has a member take the place of one that is away. All instances hear of it,
// the member itself when it comes back, and so do instances that start later and reach only
// that one.
func TestPromotion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "pg", "hot")
		var told Claim
		here, there := s.open(nil), s.another().open(func(c Claim) { told = c })
		s.of("pg").gone.Store(true)
		claim, err := here.Promote(t.Context(), Promotion{Name: "hot", Replaces: []string{"pg"}, System: "pg", Places: map[string][]store.Cursor{"pg": {"7"}}})
		if err != nil || claim.Epoch != 1 || claim.Primary != "hot" || claim.System != "hot" {
			t.Fatalf("the claim is %+v, %v", claim, err)
		}
		if f, ok := claim.FenceOf("pg"); !ok || f.By != "hot" || f.Since == "" || len(f.Places) != 1 {
			t.Errorf("the fence is %+v", f)
		}
		<-time.After(2 * time.Second)
		synctest.Wait()
		if told.compare(&claim) != 0 || fenced(here, "pg", "hot") != "pg" || fenced(there, "pg", "hot") != "pg" {
			t.Errorf("others were told %+v, and fenced is %q and %q", told, fenced(here, "pg", "hot"), fenced(there, "pg", "hot"))
		}
		s.of("pg").gone.Store(false)
		<-time.After(2 * time.Second)
		alone := s.another()
		alone.of("hot").gone.Store(true)
		if k := alone.open(nil); k.Fence("pg") == "" {
			t.Error("one that only reaches the old primary takes it for the primary")
		}
		if _, err := here.Promote(t.Context(), Promotion{Name: "pg", Replaces: []string{"hot"}, System: "hot"}); !errors.Is(err, store.BackendFenced) {
			t.Errorf("a fenced member is promoted: %v", err)
		}
		lifted, err := there.Lift(t.Context(), "pg")
		if err != nil || lifted.Epoch != 1 || lifted.Revision != 1 || len(lifted.Fenced) != 0 {
			t.Fatalf("the claim is %+v, %v", lifted, err)
		}
		<-time.After(2 * time.Second)
		if fenced(here, "pg")+fenced(there, "pg") != "" {
			t.Error("the fence was lifted, and is there")
		}
		back, err := here.Promote(t.Context(), Promotion{Name: "pg", Replaces: []string{"hot"}, System: "hot"})
		if err != nil || back.Epoch != 2 || back.System != "pg" || fenced(here, "pg", "hot") != "hot" {
			t.Errorf("the claim is %+v, %v", back, err)
		}
	})
}

// TestPromotionsAtOnce has two instances promote two members in the place of one. One
// claim counts in the end, the same for both.
func TestPromotionsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, system := range []string{"pg", "hot", "sys"} {
			s := newSite(t, "sys", "pg", "hot", "local")
			s.of("pg").gone.Store(true)
			keepers := []*Keeper{s.open(nil), s.open(nil)}
			var done sync.WaitGroup
			for i, name := range []string{"hot", "local"} {
				done.Go(func() {
					_, err := keepers[i].Promote(t.Context(), Promotion{Name: name, Replaces: []string{"pg"}, System: system})
					if err != nil && !errors.Is(err, store.Busy) {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			done.Wait()
			<-time.After(3 * time.Second)
			first, second := keepers[0].Claim(), keepers[1].Claim()
			if first.Epoch == 0 || first.compare(&second) != 0 {
				t.Errorf("with the system in %s, one goes by %+v, and one by %+v", system, first, second)
			}
		}
	})
}

// TestFileOfAnotherInstance does not take a file for the one that was promoted, only since
// it has that name.
func TestFileOfAnotherInstance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, "pg", "local")
		other := s.another()
		here, there := s.open(nil), other.open(nil)
		if _, err := here.Promote(t.Context(), Promotion{Name: "local", Replaces: []string{"pg"}, System: "pg"}); err != nil {
			t.Fatal(err)
		}
		<-time.After(3 * time.Second)
		if fenced(here, "pg", "local") != "pg" || fenced(there, "pg", "local") != "pg local" {
			t.Errorf("fenced is %q, and with the other %q", fenced(here, "pg", "local"), fenced(there, "pg", "local"))
		}
		if c, err := read(t.Context(), other.of("local"), time.Second); err != nil || c.Epoch != 0 {
			t.Errorf("the other file got the claim: %+v, %v", c, err)
		}
	})
}

// TestSuccessorIsReplaced has one that took a place lose its own.
func TestSuccessorIsReplaced(t *testing.T) {
	t.Parallel()
	s := newSite(t, "pg", "hot", "local")
	k := s.open(nil)
	for _, p := range []Promotion{
		{Name: "hot", Replaces: []string{"pg"}, System: "pg", Places: map[string][]store.Cursor{"pg": {"7"}}},
		{Name: "local", Replaces: []string{"hot"}, System: "hot"},
	} {
		if _, err := k.Promote(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	c := k.Claim()
	if f, ok := c.FenceOf("pg"); !ok || f.By != "local" || f.Since != "" || len(f.Places) != 0 {
		t.Errorf("the fence is %+v", f)
	}
	if fenced(k, "pg", "hot", "local") != "pg hot" {
		t.Errorf("fenced is %q", fenced(k, "pg", "hot", "local"))
	}
	if _, err := k.Promote(t.Context(), Promotion{Name: "nobody"}); !errors.Is(err, store.NotFound) {
		t.Errorf("nobody is promoted: %v", err)
	}
	s.of("local").gone.Store(true)
	if _, err := k.Lift(t.Context(), "pg"); !errors.Is(err, store.Unavailable) {
		t.Errorf("a fence is lifted where that can't be kept: %v", err)
	}
}

// TestClaimThatCantBeRead refuses to begin, for it can't know who decides.
func TestClaimThatCantBeRead(t *testing.T) {
	t.Parallel()
	s := newSite(t, "pg")
	op := store.Op{Kind: store.Put, Ref: claimRef, Value: value.Value{Data: []byte(`"?"`)}}
	if _, err := s.of("pg").Store.Apply(t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
		t.Fatal(err)
	}
	m := s.of("pg")
	if _, err := Open(t.Context(), Options{Members: func() []Member { return []Member{{Name: "pg", Store: m}} }}); !errors.Is(err, store.Internal) {
		t.Errorf("it begins: %v", err)
	}
}
