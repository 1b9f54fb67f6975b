package strategy_test

import (
	"testing"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/strategy"
)

// owning closes the primary with the strategy, as the suite expects.
type owning struct {
	*strategy.PrimaryOnly
	primary store.Store
}

func (o owning) Close() error { return o.primary.Close() }

func TestPrimaryOnly(t *testing.T) {
	t.Parallel()
	h := storetest.Harness{
		Open: func(testing.TB) store.Store {
			m := storetest.NewModel(storetest.ModelOptions{})
			return owning{strategy.NewPrimaryOnly("primary-only(a)", m), m}
		},
		Without: []storetest.Topic{storetest.IndexPlans}, // the model uses none of its indexes
	}
	storetest.Run(t, h)
	storetest.Differential(t, h, storetest.Random{})
}

func TestPrimaryOnlyLeavesItsPrimaryOpen(t *testing.T) {
	t.Parallel()
	m := storetest.NewModel(storetest.ModelOptions{Name: "a"})
	s := strategy.NewPrimaryOnly("primary-only(a)", m)
	if info := s.Info(); info.Name != "primary-only(a)" || info.Engine != "primary-only" {
		t.Errorf("it says that it is %+v", info)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Ping(t.Context()); err != nil {
		t.Errorf("the primary was closed with it: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}
