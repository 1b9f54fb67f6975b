package cacheaside_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/strategy/cacheaside"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stack is the strategy with what is below it, all of which ends with it.
type stack struct {
	*cacheaside.Store
	primary, cache store.Store
	ledger         *cacheaside.Ledger
}

// Tables leaves out the one that the ledger keeps the epoch in.
func (s *stack) Tables(ctx context.Context) ([]store.TableInfo, error) {
	tables, err := s.Store.Tables(ctx)
	return slices.DeleteFunc(tables, func(t store.TableInfo) bool { return t.Name == "_epochs" }), err
}

func (s *stack) Close() error {
	err := s.Store.Close()
	for _, below := range []interface{ Close() error }{s.ledger, s.cache, s.primary} {
		if e := below.Close(); err == nil {
			err = e
		}
	}
	return err
}

func stackOf(t testing.TB, primary, cache store.Store, change ...func(*cacheaside.Options, *cacheaside.LedgerOptions)) *stack {
	t.Helper()
	o := cacheaside.Options{Name: "cache-aside(a,b)", Cache: cache, CacheName: "b", Space: "a"}
	lo := cacheaside.LedgerOptions{Every: 5 * time.Millisecond, Idle: 20 * time.Millisecond}
	for _, c := range change {
		c(&o, &lo)
	}
	s := &stack{primary: primary, cache: cache, ledger: cacheaside.NewLedger(primary, lo)}
	o.Ledger = s.ledger
	var err error
	if s.Store, err = cacheaside.New(o); err != nil {
		t.Fatal(err)
	}
	return s
}

func newModel() *storetest.Model { return storetest.NewModel(storetest.ModelOptions{}) }

func harness() storetest.Harness {
	return storetest.Harness{
		Open: func(t testing.TB) store.Store { return stackOf(t, newModel(), newModel()) },
		Beside: func(t testing.TB, s store.Store) store.Store {
			other := s.(*stack)
			return stackOf(t, other.primary.(*storetest.Model).Beside(), other.cache.(*storetest.Model).Beside())
		},
		Without: []storetest.Topic{
			storetest.IndexPlans, // the model uses none of its indexes
			storetest.WholeFeed,  // the ledger's epoch is in it
		},
	}
}

func TestStore(t *testing.T) { storetest.Run(t, harness()) }

func TestRandomOperations(t *testing.T) {
	storetest.Differential(t, harness(), storetest.Random{Steps: 1_000, Runs: 2})
}

func TestLinearizable(t *testing.T) {
	storetest.Linearizable(t, harness(), storetest.Random{Runs: 2})
}
