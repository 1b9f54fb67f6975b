package boltstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
)

// changes reads a page of the feed.
func (f *fixture) changes(c store.Changes) store.Feed {
	f.t.Helper()
	feed, err := f.Changes(f.t.Context(), c)
	if err != nil {
		f.t.Fatalf("Changes(%+v): %v", c, err)
	}
	return feed
}

func changedKeys(feed store.Feed) []string {
	var keys []string
	for _, c := range feed.Changes {
		keys = append(keys, c.Table+"/"+c.Key)
	}
	return keys
}

func TestCursors(t *testing.T) {
	s, other := open(t), open(t)
	s.apply(put("a", "1"), put("b", "2"))
	other.apply(put("a", "1"), put("b", "2"), put("c", "3"))
	last := s.changes(store.Changes{Table: "t"}).Next
	for _, test := range []struct {
		name   string
		cursor store.Cursor
		code   store.Code
	}{
		{"of another file", other.cursor(1), store.Compacted},
		{"from ahead of the file", s.cursor(3), store.Compacted},
		{"no cursor", "nonsense", store.InvalidCursor},
		{"without a number", store.Cursor(s.id + "."), store.InvalidCursor},
		{"of a negative number", store.Cursor(s.id + ".-1"), store.InvalidCursor},
		{"of a number written otherwise", store.Cursor(s.id + ".01"), store.InvalidCursor},
		{"beyond all numbers", store.Cursor(s.id + ".99999999999999999999"), store.InvalidCursor},
		{"without an id", ".1", store.InvalidCursor},
		{"with an id cut short", store.Cursor(s.id[1:] + ".1"), store.InvalidCursor},
		{"with more behind", last + ".1", store.InvalidCursor},
	} {
		for _, table := range []string{"t", ""} {
			_, err := s.Changes(t.Context(), store.Changes{Table: table, Since: test.cursor})
			fails(t, "a cursor "+test.name, err, test.code)
		}
	}
	s.reopen()
	if feed := s.changes(store.Changes{Table: "t", Since: last}); len(feed.Changes) > 0 {
		t.Errorf("after opening again the cursor gives %v, want nothing", changedKeys(feed))
	}
}

func TestACursorFromBeforeAForgottenDeletion(t *testing.T) {
	s := open(t)
	s.apply(put("a", "1"))
	old := s.changes(store.Changes{Table: "t"}).Next
	s.apply(remove("a"))
	s.apply(put("b", "2"))
	s.apply(store.Op{Kind: store.Put, Ref: store.Ref{Table: "u", Key: "x"}, Value: document(1, 100)})
	newer := s.changes(store.Changes{Table: "t"}).Next
	s.clock.Advance(8 * 24 * time.Hour)
	if err := s.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"t", ""} {
		_, err := s.Changes(t.Context(), store.Changes{Table: table, Since: old})
		fails(t, "a cursor from before the deletion", err, store.Compacted)
		if feed := s.changes(store.Changes{Table: table, Since: newer}); len(feed.Changes) > 0 {
			t.Errorf("a newer cursor gives %v, want nothing", changedKeys(feed))
		}
		if feed := s.changes(store.Changes{Table: table}); !slices.Contains(changedKeys(feed), "t/b") {
			t.Errorf("from the beginning: %v, want t/b among them", changedKeys(feed))
		}
	}
	if feed := s.changes(store.Changes{Table: "u", Since: old}); !slices.Equal(changedKeys(feed), []string{"u/x"}) {
		t.Errorf("in another table the old cursor gives %v, want u/x", changedKeys(feed))
	}
}

func TestTablesAreMergedInTheOrderOfCommits(t *testing.T) {
	s := open(t)
	var want []string
	for i := range 100 {
		r := store.Ref{Table: fmt.Sprintf("t%d", i*i%7), Key: fmt.Sprintf("k%03d", i)}
		s.apply(store.Op{Kind: store.Put, Ref: r, Value: document(i, 100)})
		want = append(want, r.String())
	}
	var got []string
	c := store.Changes{Limit: 7}
	for {
		feed := s.changes(c)
		got = append(got, changedKeys(feed)...)
		c.Since = feed.Next
		if !feed.More {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestAPageAdvancesOverWhatItsPrefixLeavesOut(t *testing.T) {
	s := open(t)
	for i := range 50 {
		s.apply(put(fmt.Sprintf("other%d", i), "1"))
	}
	feed := s.changes(store.Changes{Table: "t", Prefix: "mine"})
	if want := s.cursor(50); len(feed.Changes) > 0 || feed.Next != want {
		t.Errorf("got %v and cursor %s, want none and %s", changedKeys(feed), feed.Next, want)
	}
	s.apply(put("mine1", "1"))
	s.apply(put("other", "1"))
	s.apply(put("mine2", "1"))
	feed = s.changes(store.Changes{Table: "t", Prefix: "mine", Since: feed.Next, Limit: 1})
	if want := s.cursor(52); !feed.More || feed.Next != want {
		t.Errorf("got More %t and cursor %s, want true and %s", feed.More, feed.Next, want)
	}
}

func TestAThousandWaitersAreWoken(t *testing.T) {
	s := open(t)
	s.apply(put("k", "1"))
	since := s.changes(store.Changes{Table: "t"}).Next
	const waiters = 1000
	var wg sync.WaitGroup
	got := make([]store.Feed, waiters)
	errs := make([]error, waiters)
	for i := range waiters {
		wg.Go(func() {
			got[i], errs[i] = s.Changes(t.Context(), store.Changes{Table: []string{"t", ""}[i%2], Since: since, Wait: time.Hour})
		})
	}
	poll(t, "somebody to wait for each", func() bool {
		s.feed.mu.Lock()
		defer s.feed.mu.Unlock()
		return s.feed.topics["t"] != nil && s.feed.topics[""] != nil
	})
	s.apply(put("k", "2"))
	wg.Wait()
	for i := range waiters {
		if errs[i] != nil || len(got[i].Changes) != 1 || got[i].Changes[0].Version != 2 {
			t.Fatalf("waiter %d: got %+v, %v; want version 2", i, got[i].Changes, errs[i])
		}
	}
}

func TestAWaiterIsLeftInPeaceByOtherTables(t *testing.T) {
	s := open(t)
	s.apply(put("k", "1"))
	woken := s.feed.next("t")
	all := s.feed.next("")
	s.apply(store.Op{Kind: store.Put, Ref: store.Ref{Table: "u", Key: "k"}, Value: document(1, 100)})
	select {
	case <-woken:
		t.Error("a commit to another table woke it")
	default:
	}
	select {
	case <-all:
	default:
		t.Error("whoever waits for all tables was not woken")
	}
	s.apply(put("k", "2"))
	select {
	case <-woken:
	default:
		t.Error("a commit to its own table did not wake it")
	}
}

func TestWaitingEnds(t *testing.T) {
	s := open(t)
	s.apply(put("k", "1"))
	since := s.changes(store.Changes{Table: "t"}).Next
	feed := s.changes(store.Changes{Table: "t", Since: since, Wait: time.Millisecond})
	if len(feed.Changes) > 0 || feed.Next != since {
		t.Errorf("after its time: %+v, want nothing and the same cursor", feed)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := s.Changes(ctx, store.Changes{Table: "t", Since: since, Wait: time.Hour})
	fails(t, "waiting past the deadline", err, store.Timeout)
	waits := make(chan error, 1)
	go func() {
		_, err := s.Changes(t.Context(), store.Changes{Table: "t", Since: since, Wait: time.Hour})
		waits <- err
	}()
	poll(t, "somebody to wait", func() bool {
		s.feed.mu.Lock()
		defer s.feed.mu.Unlock()
		return s.feed.topics["t"] != nil
	})
	s.close()
	fails(t, "waiting while the store closes", <-waits, store.Unavailable)
}

// TestModifiedSinceWithForeignTimes holds the seeking by time against a plain
// look at all entries, where Install brings times that go up and down.
func TestModifiedSinceWithForeignTimes(t *testing.T) {
	s := open(t)
	base := s.clock.Now()
	var all []store.Entry
	for i := range 300 {
		at := base.Add(time.Duration(i*7919%301) * time.Second)
		all = append(all, store.Entry{Ref: ref(fmt.Sprintf("k%03d", i)), Version: 5, CreatedAt: base, UpdatedAt: at, Value: document(i, 100)})
		if err := s.Install(t.Context(), all[i:]); err != nil {
			t.Fatal(err)
		}
	}
	for since := -1; since <= 302; since++ {
		at := base.Add(time.Duration(since)*time.Second + time.Nanosecond)
		var want, got []string
		for _, e := range all {
			if !e.UpdatedAt.Before(at) {
				want = append(want, e.Key)
			}
		}
		scan := store.Scan{Table: "t", Order: store.ByChange, ModifiedSince: at, Limit: 50, KeysOnly: true}
		for {
			page, err := s.Scan(t.Context(), scan)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				got = append(got, e.Key)
			}
			if scan.After = page.Next; scan.After == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("since %d s: got %s\nwant %s", since, strings.Join(got, " "), strings.Join(want, " "))
		}
	}
}
