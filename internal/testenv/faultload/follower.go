package faultload

import (
	"context"
	"slices"
	"sync"
	"time"

	"larder/internal/store"
)

// follower reads the change feed, from its beginning, for as long as it may.
type follower struct {
	store store.Store
	end   context.CancelFunc
	done  chan struct{}

	mu     sync.Mutex
	seen   map[string]int64 // by key: the version that came last
	anew   int              // times that the feed had to be begun anew
	faults faults
}

func follow(ctx context.Context, s store.Store) *follower {
	f := &follower{store: s, done: make(chan struct{}), seen: make(map[string]int64)}
	ctx, f.end = context.WithCancel(ctx)
	go f.run(ctx)
	return f
}

func (f *follower) stop() {
	f.end()
	<-f.done
}

func (f *follower) run(ctx context.Context) {
	defer close(f.done)
	var since store.Cursor
	for {
		feed, err := f.store.Changes(ctx, store.Changes{Table: Table, Since: since, Wait: time.Second})
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			f.take(feed.Changes)
			since = feed.Next
			continue
		}
		if !f.bears(err) {
			since = ""
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// take takes in a page: of a key only newer versions come.
func (f *follower) take(changes []store.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range changes {
		x := &changes[i]
		if x.Version <= f.seen[x.Key] {
			f.faults.add("the feed has version %d of %s after version %d", x.Version, x.Key, f.seen[x.Key])
		}
		f.seen[x.Key] = x.Version
	}
}

// bears takes in an error, and says whether the feed can be gone on with.
func (f *follower) bears(err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch store.CodeOf(err) {
	case store.Unavailable, store.Timeout:
		return true
	case store.Compacted:
		clear(f.seen)
		f.anew++
		return false
	}
	f.faults.add("the feed says %v", err)
	return true
}

// forget has what was seen, and is lost, not count as seen.
func (f *follower) forget(stored map[string]store.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, version := range f.seen {
		f.seen[key] = min(version, stored[key].Version)
	}
}

// missing are the keys whose stored version has not come.
func (f *follower) missing(stored map[string]store.Entry) (keys []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, e := range stored {
		if e.Version > 0 && f.seen[key] != e.Version {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (f *follower) takeFaults() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.faults
	f.faults = nil
	return found
}
