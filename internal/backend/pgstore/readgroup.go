package pgstore

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"larder/internal/store"
)

// groupReads bounds the reads of one statement, lanesOfRead how many such
// statements are under way at once. The second lane is for when half a group
// waits: before that, one statement for all that wait costs less than two, and
// on a busy machine they are answered no later.
const (
	groupReads  = 128
	lanesOfRead = 2
)

// stuckAfter is how long a statement may be under way before those who come
// later no longer wait for it, and read by themselves.
const stuckAfter = 100 * time.Millisecond

// readLanes gathers reads of single entries. What waits when a lane becomes free
// is read by one statement; nothing ever waits for more to come.
type readLanes struct {
	s *Store

	mu      sync.Mutex
	queue   []*pendingRead
	lanes   int                    // running
	begun   [lanesOfRead]time.Time // when each lane's statement was sent; zero: it has none
	refuses bool                   // the store is closed
}

// pendingRead is a read that waits for its turn.
type pendingRead struct {
	ref     store.Ref
	entry   store.Entry
	horizon store.Horizon
	err     error
	done    chan struct{} // gets one thing once the rest is set
}

var pendingReads = sync.Pool{New: func() any { return &pendingRead{done: make(chan struct{}, 1)} }}

var lookups = sync.Pool{New: func() any { return newLookup(nil, groupReads/4) }}

func newReadLanes(s *Store) *readLanes { return &readLanes{s: s} }

// get reads one entry, with others if there are any.
func (l *readLanes) get(ctx context.Context, ref store.Ref) (store.Read, error) {
	if ctx.Err() != nil && !l.s.isClosed() {
		return store.Read{}, l.s.ended(ctx)
	}
	p := pendingReads.Get().(*pendingRead) //nolint:forcetypeassert // it makes nothing else
	p.ref = ref
	switch l.submit(p) {
	case closed:
		return store.Read{}, l.s.closed()
	case stuck:
		return l.alone(ctx, ref)
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return store.Read{}, l.s.ended(ctx) // and p is left to the lane
	}
	entry, horizon, err := p.entry, p.horizon, p.err
	*p = pendingRead{done: p.done}
	pendingReads.Put(p)
	if err != nil {
		return store.Read{}, err
	}
	return store.Read{Entries: []store.Entry{entry}, Horizon: horizon}, nil
}

// alone reads one entry by a statement of its own.
func (l *readLanes) alone(ctx context.Context, ref store.Ref) (store.Read, error) {
	one := newLookup(l.s, 1)
	one.ask(ref)
	if err := one.run(ctx); err != nil {
		return store.Read{}, err
	}
	return store.Read{Entries: []store.Entry{one.answers[0].entry}, Horizon: one.horizon}, one.answers[0].err
}

// admission is what submit has done with a read.
type admission uint8

const (
	queued admission = iota
	stuck
	closed
)

// submit puts a read into the queue, and begins another lane if there may be
// one.
func (l *readLanes) submit(p *pendingRead) admission {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.refuses:
		return closed
	case l.lanes == 0, l.lanes < lanesOfRead && (len(l.queue) >= groupReads/2 || l.areStuck()):
		l.lanes++
		l.queue = append(l.queue, p)
		l.s.owned.Go(l.drive)
		return queued
	case l.areStuck():
		return stuck
	}
	l.queue = append(l.queue, p)
	return queued
}

// areStuck says whether no lane has come back for a while: a connection may have
// gone dead, and nobody has told it.
func (l *readLanes) areStuck() bool {
	sent := 0
	for _, at := range l.begun {
		if at.IsZero() {
			continue
		}
		if sent++; time.Since(at) < stuckAfter {
			return false
		}
	}
	return sent == l.lanes
}

// shut lets no more reads in.
func (l *readLanes) shut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuses = true
}

// gatherTurns is how often a lane lets others run before it takes the next group.
// The callers that the last one woke may be about to ask again: so the groups
// are half as large again, and each read the cheaper. Where there was but one
// caller nobody is let go first.
const gatherTurns = 100

// drive reads groups until nothing waits.
func (l *readLanes) drive() {
	var group []*pendingRead
	together := lookups.Get().(*lookup) //nolint:forcetypeassert // it makes nothing else
	defer lookups.Put(together)
	for lane := -1; ; {
		for turn := 0; turn < gatherTurns && len(group) > 1; turn++ {
			runtime.Gosched()
		}
		if group, lane = l.take(group[:0], lane); len(group) == 0 {
			return
		}
		l.run(group, together)
		clear(group)
	}
}

// take gives what waits, and notes when the lane, -1 for one that begins, took
// it. Where nothing waits the lane ends.
func (l *readLanes) take(group []*pendingRead, lane int) (taken []*pendingRead, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.queue), groupReads)
	if n == 0 {
		if lane >= 0 {
			l.begun[lane] = time.Time{}
		}
		l.lanes--
		return group, lane
	}
	if lane < 0 {
		for lane = 0; !l.begun[lane].IsZero(); {
			lane++
		}
	}
	l.begun[lane] = time.Now()
	group = append(group, l.queue[:n]...)
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
	return group, lane
}

// run reads a group. Its callers may be gone; the statement goes on then, for
// breaking it off would cost the connection.
func (l *readLanes) run(group []*pendingRead, together *lookup) {
	together.s = l.s
	together.reset()
	for _, p := range group {
		together.ask(p.ref)
	}
	err := together.run(context.Background())
	l.s.tallies.readGroups.Add(1)
	l.s.tallies.reads.Add(int64(len(group)))
	if store.CodeOf(err) == store.Unavailable {
		l.turnAway(err) // before anybody who is told can ask again
	}
	for i, p := range group {
		if err != nil {
			p.err = ownError(err)
		} else {
			a := &together.answers[together.places[i]]
			p.entry, p.horizon, p.err = a.entry, together.horizon, ownError(a.err)
		}
		p.done <- struct{}{}
	}
}

// turnAway fails what waits, where there is no connection to be had: it has
// waited for one already, by waiting for those before it.
func (l *readLanes) turnAway(err error) {
	l.mu.Lock()
	waited := slices.Clone(l.queue)
	clear(l.queue)
	l.queue = l.queue[:0]
	l.mu.Unlock()
	for _, p := range waited {
		p.err = ownError(err)
		p.done <- struct{}{}
	}
}

// ownError is a copy for one of several who get the same error.
func ownError(err error) error {
	if err == nil {
		return nil
	}
	e := *store.AsError(err)
	return &e
}
