package store_test

import (
	"context"
	"testing"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

// pretender has the methods of a capability, but does not say so.
type pretender struct {
	store.Store
	info store.Info
}

func (p pretender) Info() store.Info { return p.info }

func (pretender) Search(context.Context, store.Query) (store.Found, error) { return store.Found{}, nil }

func (pretender) Count(context.Context, store.Query) (store.Counted, error) {
	return store.Counted{}, nil
}

func TestAs(t *testing.T) {
	model := storetest.NewModel(storetest.ModelOptions{})
	if _, ok := store.As[store.Searcher](model); !ok {
		t.Error("the model can search, and says so")
	}
	if s, ok := store.As[store.Snapshotter](model); ok || s != nil {
		t.Error("the model has no snapshots")
	}
	if s, ok := store.As[store.Searcher](pretender{}); ok || s != nil {
		t.Error("a store that does not say it can search can't")
	}
	says := pretender{info: store.Info{Capabilities: []store.Capability{store.CanSearch, store.CanIndex}}}
	if _, ok := store.As[store.Searcher](says); !ok {
		t.Error("a store that can search and says so can")
	}
	if s, ok := store.As[store.Indexer](says); ok || s != nil {
		t.Error("a store that says it has indexes and has not has none")
	}
	if _, ok := store.As[context.Context](says); ok {
		t.Error("what is no capability is none that a store can have")
	}
}
