package store_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

// pretender has the methods of all capabilities, and says so of some.
type pretender struct {
	store.Store
	info store.Info
}

func (p pretender) Info() store.Info { return p.info }

func (pretender) Search(context.Context, store.Query) (store.Found, error) { return store.Found{}, nil }

func (pretender) Count(context.Context, store.Query) (store.Counted, error) {
	return store.Counted{}, nil
}

func (pretender) Indexes(context.Context, string) ([]store.Index, error) { return nil, nil }

func (pretender) PutIndex(context.Context, string, store.Index) (bool, error) { return false, nil }

func (pretender) DropIndex(context.Context, string, string) error { return nil }

func (pretender) Snapshot(context.Context, io.Writer) (int64, error) { return 0, nil }

func (pretender) Maintains(store.Action) bool { return false }

func (pretender) Maintain(context.Context, store.Maintenance) error { return nil }

func (pretender) Inspect(context.Context) (store.Inspection, error) { return store.Inspection{}, nil }

func (pretender) RunSQL(context.Context, store.SQLQuery) (store.SQLAnswer, error) {
	return store.SQLAnswer{}, nil
}

func (pretender) Publish(context.Context, string, []byte) error { return nil }

func (pretender) Subscribe(context.Context, string) (store.Subscription, error) { return nil, nil }

func (pretender) Look(context.Context, string, store.Ref, time.Duration) (store.Copy, store.Sight, error) {
	return store.Copy{}, store.Nothing, nil
}

func (pretender) Keep(context.Context, string, []store.Copy) error { return nil }

func (pretender) Drop(context.Context, string) error { return nil }

// has lists the capabilities that As finds.
func has(s store.Store) []store.Capability {
	var found []store.Capability
	for capability, as := range map[store.Capability]func(store.Store) bool{
		store.CanSearch:   finds[store.Searcher],
		store.CanIndex:    finds[store.Indexer],
		store.CanSnapshot: finds[store.Snapshotter],
		store.CanMaintain: finds[store.Maintainer],
		store.CanInspect:  finds[store.Inspector],
		store.CanSQL:      finds[store.SQLRunner],
		store.CanPubSub:   finds[store.PubSub],
		store.CanCache:    finds[store.Cacher],
	} {
		if as(s) {
			found = append(found, capability)
		}
	}
	slices.Sort(found)
	return found
}

func finds[C any](s store.Store) bool {
	_, ok := store.As[C](s)
	return ok
}

func TestAs(t *testing.T) {
	model := storetest.NewModel(storetest.ModelOptions{})
	if got := has(model); !slices.Equal(got, []store.Capability{store.CanCache, store.CanIndex, store.CanMaintain, store.CanPubSub, store.CanSearch}) {
		t.Errorf("the model has %v", got)
	}
	if got := has(pretender{}); len(got) != 0 {
		t.Errorf("a store that has the methods of all and says nothing of it has %v", got)
	}
	for _, one := range []store.Capability{store.CanSearch, store.CanIndex, store.CanSnapshot, store.CanMaintain, store.CanInspect, store.CanSQL, store.CanPubSub, store.CanCache} {
		if got := has(pretender{info: store.Info{Capabilities: []store.Capability{one}}}); !slices.Equal(got, []store.Capability{one}) {
			t.Errorf("a store that says it has %s has %v", one, got)
		}
	}
	boast := struct{ store.Store }{pretender{info: store.Info{Capabilities: []store.Capability{store.CanSearch}}}}
	if got := has(boast); len(got) != 0 {
		t.Errorf("a store that says what it has not has %v", got)
	}
	if finds[error](brokenStore{pretender{}}) {
		t.Error("what is no capability is none that a store can have")
	}
}

// brokenStore is an error too, which is no capability.
type brokenStore struct{ pretender }

func (brokenStore) Error() string { return "" }
