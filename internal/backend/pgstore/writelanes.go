package pgstore

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"larder/internal/store"
)

// groupWrites bounds the writes of one transaction, lanesOf how many such
// transactions are under way at once, of each kind: while one is being
// committed, the next can be written.
const (
	groupWrites = 128
	lanesOf     = 2
)

// writeLanes gathers single writes. What waits when a lane becomes free goes
// together, as one transaction; nothing ever waits for more to come. Plain puts
// and all others have lanes of their own, since they are done in different ways.
//
// A key is never in two transactions under way: its writes would wait for each
// other within the database. In one of plain puts it is once; in the others as
// often as there are writes, which then are done one after the other.
type writeLanes struct {
	s     *Store
	plain lanes
	other lanes
}

// lanes are the transactions of one kind.
type lanes struct {
	run   func(context.Context, []*pendingWrite)
	s     *Store
	mu    sync.Mutex
	queue []*pendingWrite
	busy  map[store.Ref]struct{} // keys under way
	lanes int                    // running
	again bool                   // whether a key may come more than once in a group
}

// pendingWrite is a write that waits for its turn.
type pendingWrite struct {
	op       *store.Op
	deadline time.Time // zero: none
	state    atomic.Int32
	result   store.Result
	err      error
	done     chan struct{} // closed once result and err are set
}

// The states of a write: its caller or a lane changes it from the first.
const (
	waiting int32 = iota
	taken
	abandoned
)

func newWriteLanes(s *Store) *writeLanes {
	w := &writeLanes{s: s}
	w.plain = lanes{s: s, run: s.runPlain, busy: make(map[store.Ref]struct{})}
	w.other = lanes{s: s, run: s.runOther, busy: make(map[store.Ref]struct{}), again: true}
	return w
}

// do does one write, with others if there are any.
func (w *writeLanes) do(ctx context.Context, op *store.Op) (store.Result, error) {
	if ctx.Err() != nil {
		return store.Result{}, w.s.ended(ctx)
	}
	p := &pendingWrite{op: op, done: make(chan struct{})}
	p.deadline, _ = ctx.Deadline()
	l := &w.other
	if isPlain(op) {
		l = &w.plain
	}
	if w.s.options.NoGather {
		p.state.Store(taken)
		l.run(ctx, []*pendingWrite{p})
		return p.result, p.err
	}
	if !l.submit(p) {
		return store.Result{}, w.s.closed()
	}
	return w.wait(ctx, p)
}

func (w *writeLanes) wait(ctx context.Context, p *pendingWrite) (store.Result, error) {
	select {
	case <-p.done:
		return p.result, p.err
	case <-ctx.Done():
		if p.state.CompareAndSwap(waiting, abandoned) {
			return store.Result{}, w.s.ended(ctx)
		}
	}
	// It is under way. The server ends it about now, if it has not done it.
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-p.done:
		return p.result, p.err
	case <-late.C:
		return store.Result{}, w.s.unknown(context.Cause(ctx))
	}
}

// submit puts a write into the queue, and begins another lane if there may be
// one. It is false once the store is closed.
func (l *lanes) submit(p *pendingWrite) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.s.isClosed() {
		return false
	}
	l.queue = append(l.queue, p)
	if l.lanes < lanesOf {
		l.lanes++
		l.s.owned.Go(l.drive)
	}
	return true
}

// drive does groups until there is nothing more to do.
func (l *lanes) drive() {
	for {
		group := l.take()
		if len(group) == 0 {
			return
		}
		l.run(context.Background(), group)
		l.release(group)
	}
}

// take gives what waits, as far as it goes together; the lane ends where that is
// nothing, for whoever is under way takes up what had to wait for it.
func (l *lanes) take() []*pendingWrite {
	l.mu.Lock()
	defer l.mu.Unlock()
	group := make([]*pendingWrite, 0, min(len(l.queue), groupWrites))
	var own map[store.Ref]struct{}
	if l.again {
		own = make(map[store.Ref]struct{})
	}
	rest := l.queue[:0]
	for i, p := range l.queue {
		if len(group) == groupWrites {
			rest = append(rest, l.queue[i:]...)
			break
		}
		_, underWay := l.busy[p.op.Ref]
		if _, joins := own[p.op.Ref]; underWay && !joins {
			rest = append(rest, p)
			continue
		}
		if p.state.CompareAndSwap(waiting, taken) {
			l.busy[p.op.Ref] = struct{}{}
			if l.again {
				own[p.op.Ref] = struct{}{}
			}
			group = append(group, p)
		}
	}
	clear(l.queue[len(rest):])
	l.queue = rest
	if len(group) == 0 {
		l.lanes--
	}
	return group
}

func (l *lanes) release(group []*pendingWrite) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range group {
		delete(l.busy, p.op.Ref)
	}
}

// refuse ends everything that waits.
func (l *lanes) refuse(err error) {
	l.mu.Lock()
	waited := l.queue
	l.queue = nil
	l.mu.Unlock()
	for _, p := range waited {
		if p.state.CompareAndSwap(waiting, taken) {
			p.finish(store.Result{}, err)
		}
	}
}

func (p *pendingWrite) finish(r store.Result, err error) {
	p.result, p.err = r, err
	close(p.done)
}
