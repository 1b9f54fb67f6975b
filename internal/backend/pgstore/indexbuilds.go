package pgstore

import (
	"context"
	"sync"
)

// build is an index being built in the background, or waiting for its turn.
type build struct {
	cancel context.CancelFunc
	done   chan struct{} // closed once err is set
	err    error
}

// builds are those of this gateway, by the index's relation.
type builds struct {
	mu         sync.Mutex
	byRelation map[string]*build
	closed     bool // no more are begun
}

// build gives the building of an index that is under way, or begins one.
func (s *Store) build(x *index) *build {
	s.builds.mu.Lock()
	defer s.builds.mu.Unlock()
	b := s.builds.byRelation[x.relation]
	if b != nil {
		return b
	}
	if s.builds.byRelation == nil {
		s.builds.byRelation = make(map[string]*build)
	}
	ctx, cancel := context.WithCancel(s.lifetime)
	b = &build{cancel: cancel, done: make(chan struct{})}
	if s.builds.closed {
		cancel()
		b.err = s.closed()
		close(b.done)
		return b
	}
	s.builds.byRelation[x.relation] = b
	s.owned.Go(func() {
		defer cancel()
		b.err = s.buildIndex(ctx, x)
		s.builds.mu.Lock()
		delete(s.builds.byRelation, x.relation)
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

// cancel ends the building of an index that nobody wants any more.
func (b *builds) cancel(relation string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if under := b.byRelation[relation]; under != nil {
		under.cancel()
	}
}

// end keeps new ones from being begun, so that those that are can be waited for.
func (b *builds) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}
