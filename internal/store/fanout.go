package store

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Fanout gives messages to the subscriptions of one process. Each has a queue of
// its own, so one that reads slowly holds nobody up, and is dropped once its
// queue is full. It is what a store with PubSub does with messages once it has
// them.
//
//	fan := store.NewFanout("local")
//	subscription, err := fan.Subscribe(ctx, pattern, nil)
//	fan.Deliver(store.Message{Channel: "orders.created", Payload: payload})
//	message, err := subscription.Next(ctx)
type Fanout struct {
	backend string

	mu       sync.RWMutex
	end      *Error // not nil: it is closed
	channels map[string]*audience
	patterns map[string]*audience // those with wildcards, by their texts
}

// audience are the subscriptions with one pattern.
type audience struct {
	pattern     ChannelPattern
	subscribers map[*subscriber]struct{}
}

// NewFanout makes one without subscriptions. Errors name the backend.
func NewFanout(backend string) *Fanout {
	return &Fanout{backend: backend, channels: make(map[string]*audience), patterns: make(map[string]*audience)}
}

// Subscribe begins a subscription, which is in effect at once and lasts as
// PubSub.Subscribe says. left, unless it is nil, is called once when it has
// ended, whatever the reason, and holds up who ended it.
func (f *Fanout) Subscribe(ctx context.Context, pattern ChannelPattern, left func()) (Subscription, error) {
	if err := ctx.Err(); err != nil {
		return nil, f.fail(AsError(err))
	}
	s := &subscriber{fanout: f, pattern: pattern, left: left, woken: make(chan struct{}, 1)}
	f.mu.Lock()
	if f.end != nil {
		f.mu.Unlock()
		return nil, f.end
	}
	group, name := f.group(pattern)
	if group[name] == nil {
		group[name] = &audience{pattern: pattern, subscribers: make(map[*subscriber]struct{})}
	}
	group[name].subscribers[s] = struct{}{}
	f.mu.Unlock()
	s.watch(ctx)
	return s, nil
}

// group is the map, and the key in it, under which a pattern's audience is.
func (f *Fanout) group(pattern ChannelPattern) (map[string]*audience, string) {
	if channel, one := pattern.Channel(); one {
		return f.channels, channel
	}
	return f.patterns, pattern.String()
}

// remove forgets a subscription that has ended.
func (f *Fanout) remove(s *subscriber) {
	f.mu.Lock()
	defer f.mu.Unlock()
	group, name := f.group(s.pattern)
	if a := group[name]; a != nil {
		if delete(a.subscribers, s); len(a.subscribers) == 0 {
			delete(group, name)
		}
	}
}

// Deliver gives a message to every subscription whose pattern matches its
// channel, in the order of calls. It waits for none of them.
func (f *Fanout) Deliver(m Message) {
	f.mu.RLock()
	var full []*subscriber
	if a := f.channels[m.Channel]; a != nil {
		full = a.put(m, full)
	}
	for _, a := range f.patterns {
		if a.pattern.Match(m.Channel) {
			full = a.put(m, full)
		}
	}
	f.mu.RUnlock()
	f.drop(full)
}

// Gap tells every subscription that messages may be missing.
func (f *Fanout) Gap() {
	f.mu.RLock()
	var full []*subscriber
	for a := range f.audiences {
		full = a.put(Message{Gap: true}, full)
	}
	f.mu.RUnlock()
	f.drop(full)
}

func (f *Fanout) audiences(yield func(*audience) bool) {
	for _, group := range []map[string]*audience{f.channels, f.patterns} {
		for _, a := range group {
			if !yield(a) {
				return
			}
		}
	}
}

// put adds to full the subscribers that have no room.
func (a *audience) put(m Message, full []*subscriber) []*subscriber {
	for s := range a.subscribers {
		if !s.put(m) {
			full = append(full, s)
		}
	}
	return full
}

// drop ends subscriptions that did not keep up.
func (f *Fanout) drop(full []*subscriber) {
	for _, s := range full {
		s.finish(f.fail(&Error{
			Code:   SlowConsumer,
			Detail: "the subscription did not keep up with its messages and has ended; subscribe again, and read faster or less",
		}), true)
	}
}

// Len is the number of subscriptions.
func (f *Fanout) Len() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n := 0
	for a := range f.audiences {
		n += len(a.subscribers)
	}
	return n
}

// Close ends all subscriptions, and lets nobody subscribe any more.
func (f *Fanout) Close() {
	f.mu.Lock()
	if f.end == nil {
		f.end = f.fail(&Error{Code: Unavailable, Detail: "the store is closed"})
	}
	var all []*subscriber
	for a := range f.audiences {
		all = slices.AppendSeq(all, maps.Keys(a.subscribers))
	}
	f.mu.Unlock()
	for _, s := range all {
		s.finish(f.end, false)
	}
}

func (f *Fanout) fail(e *Error) *Error {
	named := *e
	named.Backend = f.backend
	return &named
}
