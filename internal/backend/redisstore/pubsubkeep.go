package redisstore

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/redis/rueidis"
)

// keep has a connection receive as long as anybody subscribes, and makes it again
// when it breaks.
func (p *pubsub) keep() {
	again, wait := false, connectAfter
	for {
		r, err := p.receive(again)
		if err == nil {
			again, wait = true, connectAfter
			err = r.serve(p.s.lifetime)
			r.close()
			p.lost()
			if err != nil {
				p.s.options.Logger.Warn().Err(err).Msg("messages from Redis can't be received; subscribers are told once they can again")
			}
		}
		if err == nil { // nobody was left, so nobody has missed anything
			again = false
		} else {
			p.s.options.Logger.Debug().Err(err).Msg("no connection receives messages from Redis")
			p.refuse(err)
			p.pause(wait/2 + rand.N(wait/2))
			wait = min(2*wait, connectAtMost)
		}
		if p.retires() {
			return
		}
	}
}

func (p *pubsub) pause(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.s.lifetime.Done():
	}
}

// receive makes a connection, and subscribes to all that is wanted. Where there was
// one before, those who have missed something since are told, and nobody else is.
func (p *pubsub) receive(again bool) (*receiver, error) {
	r, err := p.newReceiver()
	if err != nil {
		return nil, err
	}
	wanted, _ := p.changes(true)
	if err := r.subscribe(p.s.lifetime, wanted); err != nil {
		r.close()
		p.nodes.leave(r.server)
		return nil, err
	}
	if again {
		p.s.tallies.gaps.Add(1)
		for _, a := range p.all() {
			a.fanout.Gap()
		}
	}
	p.confirm(wanted, nil)
	return r, nil
}

// changes lists what the server is still to be told: where to subscribe, and what
// nobody receives any more. all looks at everything there is.
func (p *pubsub) changes(all bool) (wanted, unwanted []route) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if all {
		for r := range p.audiences {
			p.changed[r] = struct{}{}
		}
	}
	for r := range p.changed {
		a := p.audiences[r]
		switch {
		case a == nil:
		case a.users > 0 && !a.inEffect:
			wanted = append(wanted, r)
		case a.users == 0:
			delete(p.audiences, r)
			if a.inEffect {
				unwanted = append(unwanted, r)
			}
		}
	}
	clear(p.changed)
	return wanted, unwanted
}

// confirm tells those who wait for routes that they are in effect, or why not.
func (p *pubsub) confirm(routes []route, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range routes {
		if a := p.audiences[r]; a != nil {
			a.inEffect = err == nil
			a.answer(err)
		}
	}
}

// lost says that nothing is in effect any more.
func (p *pubsub) lost() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.audiences {
		a.inEffect = false
	}
}

// refuse fails all who wait to be subscribed.
func (p *pubsub) refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.audiences {
		a.answer(err)
	}
}

// retires says whether no connection is needed any more; the next one who
// subscribes then has another goroutine keep one.
func (p *pubsub) retires() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for r, a := range p.audiences {
		if a.users == 0 {
			delete(p.audiences, r)
		}
	}
	if len(p.audiences) > 0 && !p.closed {
		return false
	}
	p.kept = false
	return true
}

func (p *pubsub) all() []*audience {
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := make([]*audience, 0, len(p.audiences))
	for _, a := range p.audiences {
		all = append(all, a)
	}
	return all
}

// isIdle says whether nobody subscribes.
func (p *pubsub) isIdle() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.audiences) == 0
}

// serve receives until the connection breaks, or nobody subscribes any more.
func (r *receiver) serve(ctx context.Context) error {
	tick := time.NewTicker(probeEvery * r.p.s.options.ReplyTimeout)
	defer tick.Stop()
	for {
		select {
		case err := <-r.broken:
			if err == nil {
				err = rueidis.ErrClosing
			}
			return err
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := r.probe(ctx); err != nil {
				r.p.nodes.leave(r.server)
				return err
			}
		case <-r.p.kick:
			if err := r.update(ctx); err != nil {
				return err
			}
			if r.p.isIdle() {
				return nil
			}
		}
	}
}

// update tells the server what has changed.
func (r *receiver) update(ctx context.Context) error {
	wanted, unwanted := r.p.changes(false)
	if err := r.unsubscribe(ctx, unwanted); err != nil {
		return err
	}
	err := r.subscribe(ctx, wanted)
	if err != nil && r.p.s.answered(err) == nil {
		return err
	}
	r.p.confirm(wanted, err) // what the server refuses, it refuses to these alone
	return nil
}
