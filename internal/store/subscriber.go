package store

import (
	"context"
	"sync"
)

// subscriber is a Subscription of a Fanout: a queue that one goroutine reads.
type subscriber struct {
	fanout  *Fanout
	pattern ChannelPattern
	left    func()

	mu      sync.Mutex
	waiting []Message
	bytes   int           // of the payloads that wait
	end     *Error        // not nil: it has ended, and nothing more is put
	woken   chan struct{} // holds one thing when there is reason to look
	unwatch func() bool
}

var _ Subscription = (*subscriber)(nil)

// watch ends the subscription with a context.
func (s *subscriber) watch(ctx context.Context) {
	unwatch := context.AfterFunc(ctx, func() { s.finish(s.fanout.fail(AsError(ctx.Err())), false) })
	s.mu.Lock()
	s.unwatch = unwatch
	ended := s.end != nil
	s.mu.Unlock()
	if ended {
		unwatch()
	}
}

// put lets a message wait, and says whether there was room. Of gaps with nothing
// between them one is enough.
func (s *subscriber) put(m Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.waiting)
	switch {
	case s.end != nil, m.Gap && n > 0 && s.waiting[n-1].Gap:
		return true
	case n >= MaxWaitingMessages, n > 0 && s.bytes+len(m.Payload) > MaxWaitingBytes:
		return false
	}
	s.waiting = append(s.waiting, m)
	s.bytes += len(m.Payload)
	s.wake()
	return true
}

func (s *subscriber) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// take gives what is next: a message, or the end, or nothing yet.
func (s *subscriber) take() (m Message, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) > 0 {
		m = s.waiting[0]
		s.waiting[0] = Message{}
		s.waiting = s.waiting[1:]
		s.bytes -= len(m.Payload)
		return m, true, nil
	}
	if s.end != nil {
		return Message{}, false, s.end
	}
	return Message{}, false, nil
}

// Next implements Subscription.
func (s *subscriber) Next(ctx context.Context) (Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Message{}, s.fanout.fail(AsError(err))
		}
		if m, ok, err := s.take(); ok || err != nil {
			return m, err
		}
		select {
		case <-s.woken:
		case <-ctx.Done():
		}
	}
}

// Close implements Subscription.
func (s *subscriber) Close() {
	s.finish(s.fanout.fail(&Error{Code: Canceled, Detail: "the subscription is closed"}), false)
}

// finish ends the subscription, the first time it is called. What waits is still
// read if drains says so, until finish is called without.
func (s *subscriber) finish(end *Error, drains bool) {
	s.mu.Lock()
	first := s.end == nil
	if first {
		s.end = end
	}
	if !drains {
		s.waiting, s.bytes = nil, 0
	}
	unwatch := s.unwatch
	s.wake()
	s.mu.Unlock()
	if unwatch != nil && !drains {
		unwatch()
	}
	if !first {
		return
	}
	s.fanout.remove(s)
	if s.left != nil {
		s.left()
	}
}
