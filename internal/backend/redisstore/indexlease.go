package redisstore

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// Of several stores one builds an index; the others wait for it, or take over where it
// is gone. That saves work, and no more: two that build do no harm.
const (
	buildLease = 2 * time.Second       // after which one that is silent counts as gone
	leaseEvery = 50 * time.Millisecond // how often those who wait look
	verdictFor = time.Minute           // how long those who wait can find out why there is no index
)

// verdictMark begins a lease that is none any more, but says which entries break the
// unique index.
const verdictMark = "broken\n"

// lease is the right to build an index.
type lease struct {
	s    *Store
	link *link
	name string // of the key that says so
	stop context.CancelFunc
	kept sync.WaitGroup
}

// lease waits until it is this store's turn to build an index. It fails where the index
// is gone.
func (s *Store) lease(ctx context.Context, l *link, x *index) (*lease, error) {
	m := &lease{s: s, link: l, name: l.home().building(x.Table, x.id)}
	if err := m.await(ctx, x); err != nil {
		return nil, err
	}
	keeping, stop := context.WithCancel(ctx)
	m.stop = stop
	m.kept.Go(func() { m.keep(keeping) })
	return m, nil
}

func (m *lease) await(ctx context.Context, x *index) error {
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	for {
		c, err := m.s.readCatalog(ctx, m.link, m.link.home(), x.Table)
		if err != nil {
			return err
		}
		if c.withID(x.id) == nil {
			return m.verdict(ctx, x)
		}
		if taken, err := m.take(ctx); taken || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return m.s.refusal(ctx, ctx.Err())
		}
	}
}

func (m *lease) take(ctx context.Context) (bool, error) {
	c := m.link.client
	err := c.Do(ctx, c.B().Set().Key(m.name).Value("building").Nx().Px(buildLease).Build()).Error()
	switch {
	case rueidis.IsRedisNil(err):
		return false, nil
	case err != nil:
		return false, m.s.refusal(ctx, err)
	}
	return true, nil
}

// keep renews the lease until it ends. Where that fails another may begin to build.
func (m *lease) keep(ctx context.Context) {
	tick := time.NewTicker(buildLease / 4)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		c := m.link.client
		if err := c.Do(ctx, c.B().Pexpire().Key(m.name).Milliseconds(buildLease.Milliseconds()).Build()).Error(); err != nil && ctx.Err() == nil {
			m.s.options.Logger.Debug().Err(err).Msg("the lease to build an index could not be renewed")
		}
	}
}

// end gives the right back. For an index that is to go since two entries break it, it
// leaves their keys.
func (m *lease) end(ctx context.Context, broken *brokenIndex) {
	m.stop()
	m.kept.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.s.options.ReplyTimeout)
	defer cancel()
	c := m.link.client
	last := c.B().Del().Key(m.name).Build()
	if broken != nil {
		last = c.B().Set().Key(m.name).Value(verdictMark + broken.key + "\n" + broken.holder).Px(verdictFor).Build()
	}
	if err := c.Do(ctx, last).Error(); err != nil {
		m.s.options.Logger.Debug().Err(err).Msg("the lease to build an index could not be given back; it ends by itself")
	}
}

// verdict says why an index is gone that was to be built.
func (m *lease) verdict(ctx context.Context, x *index) error {
	c := m.link.client
	left, err := c.Do(ctx, c.B().Get().Key(m.name).Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		return m.s.refusal(ctx, err)
	}
	if keys, broken := strings.CutPrefix(left, verdictMark); broken {
		key, holder, _ := strings.Cut(keys, "\n")
		return m.s.violation(x, store.Ref{Table: x.Table, Key: key}, holder)
	}
	return m.s.dropped()
}
