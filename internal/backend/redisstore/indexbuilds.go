package redisstore

import (
	"context"
	"sync"

	"larder/internal/store"
)

// build is an index being built in the background, by this store or another one.
type build struct {
	done chan struct{} // closed once err is set
	err  error
}

// builds are those of this store, by the name of the index's set at home.
type builds struct {
	mu     sync.Mutex
	bySet  map[string]*build
	closed bool // no more are begun
}

// build gives the building of an index that is under way, or begins one.
func (s *Store) build(l *link, x *index) *build {
	s.builds.mu.Lock()
	defer s.builds.mu.Unlock()
	b := s.builds.bySet[x.set]
	if b != nil {
		return b
	}
	if s.builds.bySet == nil {
		s.builds.bySet = make(map[string]*build)
	}
	b = &build{done: make(chan struct{})}
	if s.builds.closed {
		b.err = s.closed()
		close(b.done)
		return b
	}
	s.builds.bySet[x.set] = b
	s.owned.Go(func() {
		b.err = s.buildIndex(s.lifetime, l, x)
		if store.CodeOf(b.err).Fault() == store.ServersFault && b.err != nil && s.lifetime.Err() == nil {
			s.options.Logger.Warn().Err(b.err).Str("table", x.Table).Str("index", x.Def.Name).Msg("an index could not be built yet; larder goes on trying")
		}
		s.builds.mu.Lock()
		delete(s.builds.bySet, x.set)
		s.builds.mu.Unlock()
		close(b.done)
	})
	return b
}

func (s *Store) awaitBuild(ctx context.Context, b *build) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return s.ended(ctx)
	}
}

// end keeps new ones from being begun, so that those that are can be waited for.
func (b *builds) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}
