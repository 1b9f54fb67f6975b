package redisstore

import (
	"context"
	"strings"
	"sync"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// pubsub is how messages come and go. However many subscribe, one connection
// receives for all of them, made for the first and closed after the last
// (pubsubkeep.go). What it receives is handed on by the subscription that it came
// for, so that a message that several match comes to each once.
//
// What is published reaches the subscribers of every server, in a Cluster and of a
// replica too. Messages may be lost where a connection breaks, and the subscribers
// are told; between servers that have lost each other, they are told once a probe
// does not come through (pubsubprobe.go).
type pubsub struct {
	s    *Store
	wire wire

	nodes nodes         // where to publish and to subscribe
	kick  chan struct{} // holds one thing when there is something to do

	mu        sync.RWMutex
	closed    bool
	kept      bool // a goroutine keeps the connection
	audiences map[route]*audience
	changed   map[route]struct{} // audiences that have come or may go
}

// audience are those who receive by one subscription of the server's.
type audience struct {
	fanout   *store.Fanout
	users    int  // subscriptions that are, or are being made
	inEffect bool // the server has confirmed it
	waiting  []chan<- error
}

func newPubSub(s *Store) *pubsub {
	return &pubsub{
		s: s, wire: newWire(s.options.Prefix, s.address.db), kick: make(chan struct{}, 1),
		audiences: make(map[route]*audience), changed: make(map[route]struct{}),
	}
}

var _ store.PubSub = (*Store)(nil)

// Publish sends a message. The order in which one publisher's messages come is
// that of its connection to one server; in a Cluster it changes to another where
// that server fails.
func (s *Store) Publish(ctx context.Context, channel string, payload []byte) error {
	m := store.Message{Channel: channel, Payload: payload}
	if err := m.Validate(s.options.Limits); err != nil {
		return err
	}
	l, err := s.enter(ctx)
	if err != nil {
		return err
	}
	return s.pubsub.publish(ctx, l, &m)
}

func (p *pubsub) publish(ctx context.Context, l *link, m *store.Message) error {
	channel, text := p.wire.channel(m.Channel), encodeMessage(m.Payload, p.s.here())
	for try := 1; ; try++ {
		client, count := p.nodes.pick(l)
		err := client.Do(ctx, client.B().Publish().Channel(channel).Message(text).Build()).Error()
		if err == nil {
			p.s.tallies.published.Add(1)
			return nil
		}
		if refused := p.refused(err); refused != nil {
			return refused
		}
		p.nodes.leave(client)
		if !unsent(err) {
			return p.s.fail(store.Ambiguous, "the connection to the Redis server broke before it answered, and whether the message was sent is not known", err)
		}
		if try >= count || ctx.Err() != nil {
			return p.s.refusal(ctx, err)
		}
	}
}

// Subscribe waits until the server has confirmed the subscription, unless it had
// for another one.
func (s *Store) Subscribe(ctx context.Context, pattern string) (store.Subscription, error) {
	parsed, err := store.ParseChannelPattern(pattern)
	if err != nil {
		return nil, err
	}
	if _, err := s.enter(ctx); err != nil {
		return nil, err
	}
	return s.pubsub.subscribe(ctx, parsed)
}

func (p *pubsub) subscribe(ctx context.Context, pattern store.ChannelPattern) (store.Subscription, error) {
	r := p.wire.route(pattern)
	a, confirmed := p.join(r)
	select {
	case err := <-confirmed:
		if err != nil {
			p.leave(r, a)
			if refused := p.refused(err); refused != nil {
				return nil, refused
			}
			return nil, p.s.refusal(ctx, err)
		}
	case <-ctx.Done():
		p.leave(r, a)
		return nil, p.s.ended(ctx)
	case <-p.s.lifetime.Done():
		p.leave(r, a)
		return nil, p.s.closed()
	}
	subscription, err := a.fanout.Subscribe(ctx, pattern, func() { p.leave(r, a) })
	if err != nil {
		p.leave(r, a)
	}
	return subscription, err
}

// refused makes an error of what the server answered, as Store.answered does.
func (p *pubsub) refused(err error) *store.Error {
	e := p.s.answered(err)
	if answer, ok := rueidis.IsRedisErr(err); ok && refusalOf(answer.Error()) == "NOPERM" {
		e.Detail = "the Redis user may not send and receive messages; grant it " + strings.Join(messageRights(), " ")
	}
	return e
}

// join makes one more user of an audience. confirmed is given one thing when it is
// in effect, or can't be.
func (p *pubsub) join(r route) (a *audience, confirmed <-chan error) {
	answer := make(chan error, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	a = p.audiences[r]
	if a == nil {
		a = &audience{fanout: store.NewFanout(p.s.options.Name)}
		p.audiences[r] = a
	}
	a.users++
	if p.closed {
		answer <- p.s.closed()
		return a, answer
	}
	if a.inEffect {
		answer <- nil
		return a, answer
	}
	a.waiting = append(a.waiting, answer)
	p.changed[r] = struct{}{}
	if !p.kept {
		p.kept = true
		p.s.owned.Go(p.keep)
	}
	signal(p.kick)
	return a, answer
}

// leave makes one less.
func (p *pubsub) leave(r route, a *audience) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.users--; a.users == 0 {
		p.changed[r] = struct{}{}
		signal(p.kick)
	}
}

// answer tells who waits that an audience is in effect, or why it is not.
func (a *audience) answer(err error) {
	for _, each := range a.waiting {
		each <- err
	}
	a.waiting = nil
}

// deliver hands on what came for a route.
func (p *pubsub) deliver(r route, channel, text string) {
	p.mu.RLock()
	a := p.audiences[r]
	p.mu.RUnlock()
	if a == nil { // the last has just left
		return
	}
	m, err := p.wire.message(channel, text)
	if err != nil {
		p.s.tallies.unreadable.Add(1)
		p.s.options.Logger.Debug().Err(err).Msg("something came on a channel that larder has not published")
		return
	}
	p.s.tallies.received.Add(1)
	a.fanout.Deliver(m)
}

// close ends all subscriptions, and lets nobody subscribe any more.
func (p *pubsub) close() {
	p.mu.Lock()
	p.closed = true
	var all []*store.Fanout
	for _, a := range p.audiences {
		all = append(all, a.fanout)
	}
	p.mu.Unlock()
	for _, each := range all {
		each.Close()
	}
}
