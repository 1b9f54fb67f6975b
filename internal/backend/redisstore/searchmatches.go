package redisstore

import (
	"time"

	"larder/internal/store"
)

// matches is what becomes of the entries that match a query.
type matches interface {
	add(e store.Entry)
	// strike takes back those that have changed since, by their keys, and those that
	// have expired by now.
	strike(changed map[string]struct{}, now time.Time)
	// isFull says whether those that come after them in the query's order count for
	// nothing.
	isFull() bool
	// isComplete says whether none is missing for which there was no room.
	isComplete() bool
}

// page is a page of them.
type page struct{ *store.Collector }

func (p page) add(e store.Entry) { p.Add(e) }
func (p page) isFull() bool      { return p.IsFull() }
func (p page) isComplete() bool  { return p.IsComplete() }

func (p page) strike(changed map[string]struct{}, now time.Time) {
	p.Strike(func(e store.Entry) bool {
		_, gone := changed[e.Key]
		return gone || e.ExpiredAt(now)
	})
}

// tally counts them. It knows their keys, so that it can take back.
type tally struct {
	keys   map[string]struct{}  // of those that live on
	mortal map[string]time.Time // of the others, and their ends
}

func newTally() *tally {
	return &tally{keys: make(map[string]struct{}), mortal: make(map[string]time.Time)}
}

func (t *tally) count() int64     { return int64(len(t.keys) + len(t.mortal)) }
func (t *tally) isFull() bool     { return false }
func (t *tally) isComplete() bool { return true }

func (t *tally) add(e store.Entry) {
	if e.ExpiresAt.IsZero() {
		t.keys[e.Key] = struct{}{}
	} else {
		t.mortal[e.Key] = e.ExpiresAt
	}
}

func (t *tally) strike(changed map[string]struct{}, now time.Time) {
	for key := range changed {
		delete(t.keys, key)
		delete(t.mortal, key)
	}
	for key, ends := range t.mortal {
		if !now.Before(ends) {
			delete(t.mortal, key)
		}
	}
}
