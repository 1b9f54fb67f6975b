package router

import (
	"context"
	"errors"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// TestSystemMoves has the system tables be in another member from one moment on. Whoever
// follows them is told at once, whatever it waits for, and so is who comes with a place in
// the feed of before.
func TestSystemMoves(t *testing.T) {
	t.Parallel()
	first, second := storetest.NewModel(storetest.ModelOptions{}), storetest.NewModel(storetest.ModelOptions{})
	r, err := New(Options{System: first, Lanes: []Lane{{Route: Route{Pattern: "*", Strategy: PrimaryOnly, Members: []string{"a"}}, Store: first, Primary: first}}})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key string) {
		t.Helper()
		op := store.Op{Kind: store.Put, Ref: store.Ref{Table: "_things", Key: key}, Value: value.Value{Data: []byte("1")}}
		if _, err := r.Apply(t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	follow := func(since store.Cursor, wait time.Duration) (store.Feed, error) {
		return r.Changes(t.Context(), store.Changes{Table: "_things", Since: since, Wait: wait})
	}
	feed, err := follow("", 0)
	if err != nil || len(feed.Changes) != 1 {
		t.Fatalf("the feed is %+v, %v", feed, err)
	}
	if again, err := follow(feed.Changes[0].Cursor, 0); err != nil || len(again.Changes) != 0 {
		t.Errorf("after the change the feed is %+v, %v", again, err)
	}
	waiting := make(chan error)
	go func() {
		_, err := follow(feed.Next, time.Hour)
		waiting <- err
	}()
	r.SetSystem(second)
	if err := <-waiting; !errors.Is(err, store.Compacted) {
		t.Errorf("who waits is told %v", err)
	}
	if _, err := follow(feed.Next, 0); !errors.Is(err, store.Compacted) {
		t.Errorf("who comes from before is told %v", err)
	}
	if _, err := follow("?", 0); !errors.Is(err, store.InvalidCursor) {
		t.Errorf("who comes with something else is told %v", err)
	}
	put("two")
	if feed, err = follow("", 0); err != nil || len(feed.Changes) != 1 || feed.Changes[0].Key != "two" {
		t.Errorf("the feed is %+v, %v", feed, err)
	}
	r.SetSystem(second)
	if _, err := follow(feed.Next, 0); err != nil {
		t.Errorf("it moved to where it is: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Changes(gone, store.Changes{Table: "_things", Since: feed.Next, Wait: time.Hour}); !errors.Is(err, store.Canceled) {
		t.Errorf("who goes away is told %v", err)
	}
	if tables, err := r.Tables(t.Context()); err != nil || len(tables) != 1 {
		t.Errorf("the tables are %+v, %v", tables, err)
	}
}
