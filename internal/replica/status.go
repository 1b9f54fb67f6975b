package replica

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"larder/internal/store"
)

// Status is how a Follower fares.
type Status struct {
	Lag       time.Duration // nothing committed so long ago is missing in the target
	Known     bool          // whether that is known: it has caught up since it began, and since the target forgot something
	Installed int64         // entries, by this Follower
	Refused   int64         // entries that the target can't hold, as for a unique index of its own
	Refusals  []Refusal     // the same by table and code, the most first
	Failing   store.Code    // why the last attempt failed; "": it did not

	Place  store.Cursor // how far the target has come, whoever brought it there; "": nowhere yet
	Afresh bool         // it is being copied from the beginning
}

// Refusal counts entries that a target can't hold.
type Refusal struct {
	Table string
	Code  store.Code
	Count int64
	Last  time.Time
}

// Status tells how it fares.
func (f *Follower) Status() Status {
	s := Status{Installed: f.installed.Load()}
	s.Refused, s.Refusals = f.refused.told()
	s.Lag, s.Known = f.Lag()
	if failing := f.failing.Load(); failing != nil {
		s.Failing = failing.Code
	}
	if at := f.at.Load(); at != nil {
		s.Place, s.Afresh = at.cursor, at.fresh
	}
	return s
}

// mostRefusals are told apart; those of more tables are only counted.
const mostRefusals = 100

type refusalKey struct {
	table string
	code  store.Code
}

// refusals are those of a Follower.
type refusals struct {
	mu    sync.Mutex
	count int64
	by    map[refusalKey]*Refusal
}

func (r *refusals) add(table string, code store.Code) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	key := refusalKey{table, code}
	one := r.by[key]
	if one == nil {
		if len(r.by) == mostRefusals {
			return
		}
		if r.by == nil {
			r.by = make(map[refusalKey]*Refusal)
		}
		one = &Refusal{Table: table, Code: code}
		r.by[key] = one
	}
	one.Count++
	one.Last = time.Now()
}

func (r *refusals) told() (count int64, by []Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for one := range maps.Values(r.by) {
		by = append(by, *one)
	}
	slices.SortFunc(by, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Code, b.Code))
	})
	return r.count, by
}
