package boltstore

import (
	"context"
	"runtime"
	"sync/atomic"

	"larder/internal/store"
)

// Bounds of what is committed together: one keeps the wait of a request short,
// the other what a transaction holds in memory.
const (
	groupRequests = 256
	groupBytes    = 8 << 20
)

// gatherTurns is how often the writer lets others run before it begins a
// commit. With 64 clients on two processors 100 made the commits a third
// larger; more did little.
const gatherTurns = 100

// request is a piece of writing that waits for its turn.
type request struct {
	// do evaluates and writes, in the transaction of its group. It may be
	// called again after that was given up, and must not have written where
	// it fails.
	do   func(w *writeTx) error
	size int // bytes it may write, about
	// alone is in do's place for what needs the file for itself.
	alone func() error

	state atomic.Int32
	err   error
	done  chan struct{} // closed once err is set
}

// The states of a request: exactly one of its caller and the writer gets to
// change it from the first.
const (
	waiting int32 = iota
	taken
	abandoned
)

// write has do written together with whatever else is waiting, and returns
// once that is durable. Where ctx ends before the writer came to it, nothing
// is written; after that, the outcome is waited for.
func (s *Store) write(ctx context.Context, size int, do func(w *writeTx) error) error {
	return s.submit(ctx, s.queue, &request{do: do, size: size, done: make(chan struct{})})
}

// exclude has do done by the writer, outside of any transaction, while all
// other writing waits.
func (s *Store) exclude(ctx context.Context, do func() error) error {
	return s.submit(ctx, s.exclusive, &request{alone: do, done: make(chan struct{})})
}

func (s *Store) submit(ctx context.Context, to chan<- *request, r *request) error {
	if s.isClosed() {
		return s.closed()
	}
	if ctx.Err() != nil {
		return s.ended(ctx)
	}
	select {
	case to <- r:
	case <-ctx.Done():
		return s.ended(ctx)
	case <-s.lifetime.Done():
		return s.closed()
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, abandoned) {
			return s.ended(ctx)
		}
	case <-s.lifetime.Done():
		if r.state.CompareAndSwap(waiting, abandoned) {
			return s.closed()
		}
	}
	<-r.done
	return r.err
}

// take makes the request the writer's, unless its caller has gone.
func (r *request) take() bool { return r.state.CompareAndSwap(waiting, taken) }

func (r *request) finish(err error) {
	r.err = err
	close(r.done)
}

// writeLoop commits what waits, until the store closes. What is then still
// waiting gives up by itself (see write).
func (s *Store) writeLoop() {
	group := make([]*request, 0, groupRequests)
	for {
		select {
		case <-s.lifetime.Done():
			return
		case r := <-s.exclusive:
			if r.take() {
				r.finish(r.alone())
			}
		case first := <-s.queue:
			woken := len(group)
			if group = s.gather(append(group[:0], first), woken); len(group) > 0 {
				s.commit(group)
				clear(group)
			}
		}
	}
}

// gather takes everything that waits, and nothing that is yet to come.
//
// The callers that the last commit woke may be about to ask again. They get a
// few turns of the processor to do so: else the next commit would be for those
// that are quickest, and all others would wait for two.
func (s *Store) gather(group []*request, woken int) []*request {
	expected := min(len(s.queue)+woken, groupRequests)
	for turns := 0; turns < gatherTurns && len(s.queue) < expected; turns++ {
		runtime.Gosched()
	}
	bytes := group[0].size
	if !group[0].take() {
		group = group[:0]
	}
	for len(group) < groupRequests && bytes < groupBytes {
		select {
		case r := <-s.queue:
			if r.take() {
				group = append(group, r)
				bytes += r.size
			}
		default:
			return group
		}
	}
	return group
}

// refusal is why the file takes no writes any more, or nil.
func (s *Store) refusal() error {
	if e := s.refuses.Load(); e != nil {
		return e
	}
	return nil
}

// refuse makes the store one that can only be read, until it is opened anew.
func (s *Store) refuse(cause error) {
	s.refuses.CompareAndSwap(nil, s.fail(store.Unavailable,
		"a write failed so that the state of the file on disk is not known; nothing more is written until it is opened again, reads go on", cause))
}
