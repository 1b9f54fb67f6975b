package redisstore

import (
	"context"
	"strings"
	"sync"
	"time"

	"larder/internal/store"
)

// How often the tailer looks while somebody waits; where nothing has come for a
// while less often, since others write but rarely.
const (
	pollEvery  = 50 * time.Millisecond
	pollQuiet  = 200 * time.Millisecond
	quietAfter = 40   // looks without a change
	pollNames  = 1000 // changes that it looks at, before it just wakes all
)

// tailer follows the feed for all who wait for a change, one for all. While nobody
// waits it asks nothing. What this store writes itself it hears of at once.
type tailer struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
	kick     chan struct{} // holds one thing when somebody has begun to wait
}

// watcher waits for a change of a key.
type watcher struct {
	table  string // "" for any
	prefix string
	woken  chan struct{} // holds one thing once there was one
}

func newTailer() *tailer {
	return &tailer{watchers: make(map[*watcher]struct{}), kick: make(chan struct{}, 1)}
}

// watch has a watcher be woken by changes from now on, at least. Who reads after
// that misses nothing.
func (t *tailer) watch(table, prefix string) *watcher {
	w := &watcher{table: table, prefix: prefix, woken: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers[w] = struct{}{}
	signal(t.kick)
	return w
}

func (t *tailer) leave(w *watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.watchers, w)
}

func (t *tailer) waited() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.watchers) > 0
}

// wake tells of changed keys; all says that there may be others.
func (t *tailer) wake(all bool, refs []store.Ref) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for w := range t.watchers {
		if all || w.concerned(refs) {
			signal(w.woken)
		}
	}
}

func (w *watcher) concerned(refs []store.Ref) bool {
	for i := range refs {
		if (w.table == "" || w.table == refs[i].Table) && strings.HasPrefix(refs[i].Key, w.prefix) {
			return true
		}
	}
	return false
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// tail looks for changes as long as anybody waits. While the server can't be asked
// it wakes everybody, who then find that out themselves.
func (s *Store) tail() {
	var at tailed
	for {
		if !s.tailer.waited() {
			at = tailed{}
			select {
			case <-s.tailer.kick:
			case <-s.lifetime.Done():
				return
			}
		}
		changed := s.look(&at)
		wait := pollEvery
		if at.quiet++; changed {
			at.quiet = 0
		} else if at.quiet > quietAfter {
			wait = pollQuiet
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.lifetime.Done():
			timer.Stop()
			return
		}
	}
}

// tailed is where the tailer stands.
type tailed struct {
	id    string
	after place
	quiet int
}

// look wakes those who wait for what has changed since it looked last; the first
// time, when that is not known, all.
func (s *Store) look(at *tailed) (changed bool) {
	ctx, cancel := context.WithTimeout(s.lifetime, time.Second)
	defer cancel()
	l, err := s.enter(ctx)
	if err == nil {
		var next *stretch
		if next, err = s.stretch(ctx, l, stretchOf{after: at.after, most: s.tailMost(at), names: true}); err == nil {
			return s.heard(at, next)
		}
	}
	*at = tailed{}
	s.tailer.wake(true, nil)
	return false
}

// tailMost is how many changes to look at: where the tailer does not know where it
// stands, none but the last.
func (s *Store) tailMost(at *tailed) int {
	if at.id == "" {
		return 1
	}
	return pollNames
}

func (s *Store) heard(at *tailed, next *stretch) (changed bool) {
	if at.id != next.id || !next.whole {
		at.id, at.after = next.id, place{sequence: next.last, shard: MaxShards}
		s.tailer.wake(true, nil)
		return true
	}
	at.after = next.upTo
	if len(next.changes) == 0 {
		return false
	}
	refs := make([]store.Ref, len(next.changes))
	for i := range refs {
		refs[i] = next.changes[i].ref
	}
	s.tailer.wake(false, refs)
	return true
}
