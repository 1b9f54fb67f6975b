package app

import (
	"context"
	"errors"
	"testing"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/telemetry"
)

// bare is a store without any capability; every call fails with err.
type bare struct {
	store.Store
	err error
}

func (b *bare) Info() store.Info { return store.Info{Name: "bare"} }

func (b *bare) Get(context.Context, []store.Ref) (store.Read, error) { return store.Read{}, b.err }

func (b *bare) Apply(context.Context, store.Batch) ([]store.Result, error) { return nil, b.err }

func (b *bare) Ping(context.Context) error { return b.err }

// searching is one that can be searched.
type searching struct{ bare }

func (s *searching) Info() store.Info {
	return store.Info{Name: "searching", Capabilities: []store.Capability{store.CanSearch}}
}

func (s *searching) Search(context.Context, store.Query) (store.Found, error) {
	return store.Found{}, s.err
}

func (s *searching) Count(context.Context, store.Query) (store.Counted, error) {
	return store.Counted{Count: 3}, s.err
}

func TestMeteredCountsCallsAndWhoseFaultTheyAre(t *testing.T) {
	calls := telemetry.NewCalls()
	inner := &bare{}
	m := newMetered(inner, calls)
	for _, inner.err = range []error{
		nil,
		&store.Error{Code: store.VersionMismatch},
		&store.Error{Code: store.Unavailable},
		errors.New("unforeseen"),
	} {
		if _, err := m.Apply(t.Context(), store.Batch{}); !errors.Is(err, inner.err) {
			t.Errorf("got %v, want %v", err, inner.err)
		}
	}
	inner.err = nil
	if _, err := m.Get(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := m.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if f := calls.Backend("bare"); f.Requests != 6 || f.Failed != 2 {
		t.Errorf("got %+v", f)
	}
}

func TestMeteredOffersWhatTheStoreOffers(t *testing.T) {
	calls := telemetry.NewCalls()
	none := newMetered(&bare{}, calls)
	if _, ok := store.As[store.Searcher](none); ok {
		t.Error("it offers a search that the store does not have")
	}
	if _, err := none.Search(t.Context(), store.Query{}); !errors.Is(err, store.Unsupported) {
		t.Errorf("asked all the same, it says %v", err)
	}

	m := newMetered(&searching{}, calls)
	searcher, ok := store.As[store.Searcher](m)
	if !ok {
		t.Fatal("it hides the store's search")
	}
	if found, err := searcher.Count(t.Context(), store.Query{}); found.Count != 3 || err != nil {
		t.Errorf("got %v, %v", found, err)
	}
	if _, ok := store.As[store.Maintainer](m); ok {
		t.Error("it offers maintenance that the store does not have")
	}
	if f := calls.Backend("searching"); f.Requests != 1 {
		t.Errorf("got %+v", f)
	}
}

func TestMeteredCarriesMessages(t *testing.T) {
	calls := telemetry.NewCalls()
	m := newMetered(storetest.NewModel(storetest.ModelOptions{}), calls)
	channels, ok := store.As[store.PubSub](m)
	if !ok {
		t.Fatal("it hides the store's messages")
	}
	subscription, err := channels.Subscribe(t.Context(), "orders.*")
	if err != nil {
		t.Fatal(err)
	}
	defer subscription.Close()
	if err := channels.Publish(t.Context(), "orders.paid", []byte(`7`)); err != nil {
		t.Fatal(err)
	}
	if message, err := subscription.Next(t.Context()); err != nil || string(message.Payload) != "7" {
		t.Errorf("got %+v, %v", message, err)
	}
	if err := channels.Publish(t.Context(), "", []byte(`7`)); !errors.Is(err, store.InvalidChannel) {
		t.Errorf("no channel gives %v", err)
	}
	if f := calls.Backend("model"); f.Requests != 3 || f.Failed != 0 {
		t.Errorf("got %+v", f)
	}
	if _, err := newMetered(&bare{}, calls).Subscribe(t.Context(), "a"); !errors.Is(err, store.Unsupported) {
		t.Errorf("a store without messages says %v", err)
	}
}
