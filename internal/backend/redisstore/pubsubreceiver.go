package redisstore

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/redis/rueidis"
)

// receiver is the connection that messages come by.
type receiver struct {
	p      *pubsub
	server rueidis.Client // where it goes
	client rueidis.DedicatedClient
	broken <-chan error // gives the reason once it has broken
	probed probed

	hearing sync.RWMutex // held while something is handed on
	closed  bool
}

// newReceiver makes a connection.
func (p *pubsub) newReceiver() (*receiver, error) {
	l := p.s.link.Load()
	r := &receiver{p: p, probed: probed{channel: p.wire.probes + newID()}}
	r.server, _ = p.nodes.pick(l)
	r.client, _ = r.server.Dedicate()
	r.broken = r.client.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: r.heard})
	if err := r.subscribe(p.s.lifetime, []route{{name: r.probed.channel}}); err != nil {
		r.close()
		p.nodes.leave(r.server)
		return nil, err
	}
	return r, nil
}

// heard is called for one message after the other, and holds up the connection.
func (r *receiver) heard(m rueidis.PubSubMessage) {
	r.hearing.RLock()
	defer r.hearing.RUnlock()
	switch {
	case r.closed:
	case m.Channel == r.probed.channel:
		r.probed.heard(m.Message)
	default:
		r.p.deliver(route{glob: m.Pattern != "", name: cmp.Or(m.Pattern, m.Channel)}, m.Channel, m.Message)
	}
}

// close breaks the connection. After that nothing is handed on any more: what the
// next one receives comes after it.
func (r *receiver) close() {
	r.hearing.Lock()
	r.closed = true
	r.hearing.Unlock()
	r.client.Close()
}

// namesAtOnce is how many names one command has.
const namesAtOnce = 1000

// subscribe returns when the server has confirmed all of the routes.
func (r *receiver) subscribe(ctx context.Context, routes []route) error {
	b := r.client.B()
	return r.eachSome(ctx, routes,
		func(names []string) rueidis.Completed { return b.Subscribe().Channel(names...).Build() },
		func(names []string) rueidis.Completed { return b.Psubscribe().Pattern(names...).Build() })
}

// unsubscribe does away with routes.
func (r *receiver) unsubscribe(ctx context.Context, routes []route) error {
	b := r.client.B()
	return r.eachSome(ctx, routes,
		func(names []string) rueidis.Completed { return b.Unsubscribe().Channel(names...).Build() },
		func(names []string) rueidis.Completed { return b.Punsubscribe().Pattern(names...).Build() })
}

// eachSome sends commands for the channels and the globs among the routes. One
// command's names are all done before the server does anything else, so its first
// confirmation is good for all.
func (r *receiver) eachSome(ctx context.Context, routes []route, channels, globs func(names []string) rueidis.Completed) error {
	var names [2][]string
	for _, each := range routes {
		kind := 0
		if each.glob {
			kind = 1
		}
		names[kind] = append(names[kind], each.name)
	}
	for kind, command := range []func([]string) rueidis.Completed{channels, globs} {
		for some := range slices.Chunk(names[kind], namesAtOnce) {
			if err := r.client.Do(ctx, command(some)).Error(); err != nil {
				return err
			}
		}
	}
	return nil
}
