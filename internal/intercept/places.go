package intercept

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// places are so many that can be taken at once. Who finds none free waits in a queue; while
// anybody waits, nobody gets one past the queue. To take one that is free, and to give it
// back, takes two atomic operations each and no lock.
type places struct {
	free    atomic.Int64
	waiting atomic.Int64 // who is in the queue, or about to be

	mu    sync.Mutex
	queue list.List // of chan struct{}, closed by whoever gives a place
}

func newPlaces(n int) *places {
	p := &places{}
	p.free.Store(int64(n))
	return p
}

// try takes a place if one is free and nobody waits.
func (p *places) try() bool { return p.waiting.Load() == 0 && p.grab() }

// grab takes a free place.
func (p *places) grab() bool {
	for {
		free := p.free.Load()
		if free <= 0 {
			return false
		}
		if p.free.CompareAndSwap(free, free-1) {
			return true
		}
	}
}

// wait takes a place as soon as it is its turn, and says whether that was in time. The error
// is the context's.
func (p *places) wait(ctx context.Context, patience time.Duration) (taken bool, err error) {
	// First it says that it waits, and then it looks once more: whoever gives a place back
	// does it the other way around, so that one of the two sees the other.
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	p.mu.Lock()
	if p.queue.Len() == 0 && p.grab() {
		p.mu.Unlock()
		return true, nil
	}
	turn := make(chan struct{})
	place := p.queue.PushBack(turn)
	p.mu.Unlock()

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-turn:
		return true, nil
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-turn: // it was given one meanwhile
		return true, nil
	default:
		p.queue.Remove(place)
		return false, err
	}
}

// leave gives a place back.
func (p *places) leave() {
	p.free.Add(1)
	if p.waiting.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for first := p.queue.Front(); first != nil && p.grab(); first = p.queue.Front() {
		close(p.queue.Remove(first).(chan struct{}))
	}
}
