package pgstore

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// How often the tailer looks while somebody waits: so often at least; where
// nothing has come for a while, and others write but rarely, less often; and no
// more often than that, whatever is committed.
const (
	pollEvery   = 50 * time.Millisecond
	pollQuiet   = 200 * time.Millisecond
	pollAtMost  = 5 * time.Millisecond
	quietAfter  = 40   // looks without a change
	pollChanges = 1000 // that it looks at in each table, before it just wakes all who wait for one there
)

// tailer follows the feed for all who wait for a change. While nobody does it
// asks nothing.
type tailer struct {
	s   *Store
	own atomic.Uint64 // the newest transaction that this store has committed

	stalled atomic.Uint64 // the horizon at which waiting for own commits was given up

	mu       sync.Mutex
	watchers map[*watcher]struct{}
	kick     chan struct{} // holds one thing when there is reason to look
}

// watcher waits for a change of a key.
type watcher struct {
	table  string // "": any
	prefix string
	from   uint64        // below this transaction it has seen everything
	woken  chan struct{} // closed by the tailer
}

func newTailer(s *Store) *tailer {
	return &tailer{s: s, watchers: make(map[*watcher]struct{}), kick: make(chan struct{}, 1)}
}

// committed tells of a transaction of this store's own.
func (t *tailer) committed(xid uint64) {
	for {
		newest := t.own.Load()
		if xid <= newest || t.own.CompareAndSwap(newest, xid) {
			break
		}
	}
	t.look()
}

// look has the tailer look soon.
func (t *tailer) look() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// watch begins to wait for what changes from a transaction on. Whoever has read
// the feed up to there misses nothing, whatever has been committed since.
func (t *tailer) watch(table, prefix string, from uint64) *watcher {
	w := &watcher{table: table, prefix: prefix, from: from, woken: make(chan struct{})}
	t.mu.Lock()
	t.watchers[w] = struct{}{}
	t.mu.Unlock()
	if t.own.Load() >= from {
		t.look() // it may have been committed before anybody waited
	}
	return w
}

// leave ends the waiting, and tells below which transaction there was nothing.
func (t *tailer) leave(w *watcher) (from uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.watchers, w)
	return w.from
}

// run follows the feed until the store is closed.
func (t *tailer) run() {
	quiet := 0
	tick := time.NewTimer(pollEvery)
	defer tick.Stop()
	pause := time.NewTimer(pollAtMost)
	defer pause.Stop()
	for {
		select {
		case <-tick.C:
			quiet++
		case <-t.kick:
			quiet = 0
		case <-t.s.lifetime.Done():
			return
		}
		every := pollEvery
		if quiet > quietAfter {
			every = pollQuiet
		}
		tick.Reset(every)
		p := t.begin()
		if p == nil {
			continue
		}
		p.err = t.poll(p)
		t.tell(p)
		if len(p.changes) > 0 {
			quiet = 0
		}
		pause.Reset(pollAtMost)
		select {
		case <-pause.C:
		case <-t.s.lifetime.Done():
			return
		}
	}
}

// round is one look at what has changed.
type round struct {
	watchers []*watcher // for whom it is
	from     uint64     // below this they all have seen everything
	tables   []string   // nil: all
	horizon  uint64
	changes  map[string][]keyChange // by table
	err      error
}

type keyChange struct {
	key string
	xid uint64
}

// begin puts together what the watchers wait for; nil where there are none.
func (t *tailer) begin() *round {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.watchers) == 0 {
		return nil
	}
	p := &round{from: ^uint64(0), changes: make(map[string][]keyChange)}
	all := false
	for w := range t.watchers {
		p.from = min(p.from, w.from)
		all = all || w.table == ""
		p.tables = append(p.tables, w.table)
		p.watchers = append(p.watchers, w)
	}
	slices.Sort(p.tables)
	if p.tables = slices.Compact(p.tables); all {
		p.tables = nil
	}
	return p
}

func (t *tailer) poll(p *round) error {
	sql, args := t.s.readSQL.poll, []any{p.tables, p.from, pollChanges}
	if p.tables == nil {
		sql, args = t.s.readSQL.pollAll, args[1:]
	}
	return t.s.query(t.s.lifetime, sql, args, func(rows pgx.Rows) error {
		raw := rows.RawValues()
		p.horizon = uint64Of(raw[0])
		if raw[1] != nil {
			p.changes[string(raw[1])] = append(p.changes[string(raw[1])], keyChange{string(raw[2]), uint64Of(raw[3])})
		}
		return nil
	})
}

// tell wakes those who wait for one of the changes. Where the look failed it
// wakes all: each then finds out for itself.
func (t *tailer) tell(p *round) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range p.watchers {
		if _, waits := t.watchers[w]; !waits {
			continue
		}
		if p.err != nil || w.wants(p) {
			close(w.woken)
			delete(t.watchers, w)
			continue
		}
		w.from = max(w.from, p.horizon)
	}
}

func (w *watcher) wants(p *round) bool {
	if w.table != "" {
		return w.wantsAny(p.changes[w.table])
	}
	for _, changes := range p.changes {
		if w.wantsAny(changes) {
			return true
		}
	}
	return false
}

func (w *watcher) wantsAny(changes []keyChange) bool {
	return len(changes) == pollChanges || slices.ContainsFunc(changes, func(c keyChange) bool {
		return c.xid >= w.from && strings.HasPrefix(c.key, w.prefix)
	})
}
