package combinations_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/strategy/cacheaside"
	"larder/internal/strategy/fastestread"
	"larder/internal/strategy/multiwrite"
)

// strategy builds a store over a primary and another member.
type strategy struct {
	name    string
	needs   store.Capability // of the other member; "": none
	without []storetest.Topic
	build   func(name string, primary, other store.Store) (store.Store, []closer, error)
	quick   [][2]string // the engines of the pairs that a quick run has
}

type closer interface{ Close() error }

func strategies() []strategy {
	return []strategy{
		{
			name: cacheaside.Engine, needs: store.CanCache, build: cacheAside,
			without: []storetest.Topic{storetest.WholeFeed}, // the epoch is in it
			quick:   [][2]string{{"postgres", "redis"}},
		},
		{
			name: multiwrite.Engine, build: multiWrite,
			quick: [][2]string{{"redis", "postgres"}},
		},
		{
			name: fastestread.Engine, build: fastestRead,
			quick: [][2]string{{"redis", "bolt"}},
		},
	}
}

func cacheAside(name string, primary, cache store.Store) (store.Store, []closer, error) {
	ledger := cacheaside.NewLedger(primary, cacheaside.LedgerOptions{Every: 5 * time.Millisecond, Idle: 20 * time.Millisecond})
	s, err := cacheaside.New(cacheaside.Options{Name: name, Ledger: ledger, Cache: cache, CacheName: "b", Space: "a"})
	return s, []closer{ledger}, err
}

func bothWritten(name string, primary, secondary store.Store) multiwrite.Options {
	return multiwrite.Options{
		Name: name, Primary: primary,
		Secondaries: []multiwrite.Secondary{{Name: "b", Store: secondary, Replica: replica.Follow(replica.Options{
			From: primary, FromName: "a", To: secondary, Every: 5 * time.Millisecond,
		})}},
	}
}

func multiWrite(name string, primary, secondary store.Store) (store.Store, []closer, error) {
	s, err := multiwrite.New(bothWritten(name, primary, secondary))
	return s, nil, err
}

func fastestRead(name string, primary, secondary store.Store) (store.Store, []closer, error) {
	s, err := fastestread.New(fastestread.Options{Options: bothWritten(name, primary, secondary), PrimaryName: "a"})
	return s, nil, err
}

// combination is a strategy over a pair of engines.
type combination struct {
	strategy
	primary, other engine
}

func (c combination) String() string {
	return c.name + "(" + c.primary.name + "," + c.other.name + ")"
}

// combinations are those that a run has.
func combinations(t *testing.T) []combination {
	t.Helper()
	soaks := os.Getenv("LARDER_SOAK") != ""
	var all []combination
	for _, s := range strategies() {
		for _, primary := range engines() {
			for _, other := range engines() {
				c := combination{s, primary, other}
				if soaks && c.sensible(t) || !soaks && slices.Contains(s.quick, [2]string{primary.name, other.name}) {
					all = append(all, c)
				}
			}
		}
	}
	return all
}

// sensible says whether the other member can do what the strategy needs of it.
func (c combination) sensible(t *testing.T) bool {
	t.Helper()
	other, err := c.other.open(t, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	return c.needs == "" || slices.Contains(other.Info().Capabilities, c.needs)
}

// stack is the strategy with all that is below it, which ends with it.
type stack struct {
	store.Forward
	below []closer // ends in this order
	clock *storetest.Clock
}

// Tables leaves out the one in which cache-aside keeps the primary's epoch.
func (s *stack) Tables(ctx context.Context) ([]store.TableInfo, error) {
	tables, err := s.Forward.Tables(ctx)
	return slices.DeleteFunc(tables, func(t store.TableInfo) bool { return t.Name == "_epochs" }), err
}

func (s *stack) Close() error {
	err := s.Forward.Close()
	for _, one := range s.below {
		err = errors.Join(err, one.Close())
	}
	return err
}

// harness is how the suite gets at the combination. The members have one clock.
func (c combination) harness() storetest.Harness {
	return storetest.Harness{
		Without: c.without,
		Open: func(t testing.TB) store.Store {
			s := &stack{clock: storetest.NewClock()}
			primary, err := c.primary.open(t, s.clock.Now)
			if err != nil {
				t.Fatal(err)
			}
			other, err := c.other.open(t, s.clock.Now)
			if err != nil {
				t.Fatal(err)
			}
			if s.Store, s.below, err = c.build(c.String(), primary, other); err != nil {
				t.Fatal(err)
			}
			s.below = append(s.below, other, primary)
			return s
		},
		Advance: func(s store.Store, d time.Duration) { s.(*stack).clock.Advance(d) },
	}
}
