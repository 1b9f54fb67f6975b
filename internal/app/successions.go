package app

import (
	"context"
	"sync"

	"larder/internal/lineage"
	"larder/internal/router"
)

// successions knows which member has taken the place of which, and has everything go by it.
type successions struct {
	app     *App
	members *registry
	keeper  *lineage.Keeper

	mu    sync.Mutex
	ruled *ruled // nil: nothing does yet, or no longer
}

// ruled is what goes by who has the system tables.
type ruled struct {
	router     *router.Router
	strategies *strategies
}

// fence says why a member must not be used, "" where it may.
func (s *successions) fence(name string) string {
	if s.keeper == nil {
		return "" // nothing is called before it is open
	}
	return s.keeper.Fence(name)
}

// open reads who was promoted. A member that can't be reached does not know of it.
func (s *successions) open(ctx context.Context, a *App, ms *registry, put *cleanups) error {
	s.app, s.members = a, ms
	keeper, err := lineage.Open(ctx, lineage.Options{Members: s.all, Changed: s.changed, Logger: a.log})
	if err != nil {
		return err
	}
	put.later("successions", keeper.Close)
	s.keeper = keeper
	return nil
}

func (s *successions) all() []lineage.Member {
	var all []lineage.Member
	for _, m := range s.members.list() {
		if m.mode() != disabled {
			all = append(all, lineage.Member{Name: m.name, Store: m.past, Own: m.own})
		}
	}
	return all
}

// system is the member that has the system tables.
func (s *successions) system() *member {
	if name := s.keeper.Claim().System; name != "" {
		if m := s.members.of(name); m != nil {
			return m
		}
	}
	return s.members.of(s.app.cfg.SystemMember())
}

// rule has the router and the strategies go by it from now on.
func (s *successions) rule(r *router.Router, built *strategies) {
	s.mu.Lock()
	s.ruled = &ruled{r, built}
	s.mu.Unlock()
	s.changed(s.keeper.Claim()) // which may be another by now
}

// end has nothing go by it any more.
func (s *successions) end() error {
	s.mu.Lock()
	s.ruled = nil
	s.mu.Unlock()
	return s.keeper.Close()
}

// changed is told of claims, and goes by the latest.
func (s *successions) changed(lineage.Claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ruled == nil {
		return
	}
	switch name := s.keeper.Claim().System; {
	case name == "":
	case s.members.of(name) == nil:
		s.app.log.Error().Str("backend", name).Msg("the system tables are in a backend that is not configured here")
	default:
		s.ruled.router.SetSystem(s.members.of(name).store)
		s.ruled.strategies.setSystem(name)
	}
}

// again has everything go by it anew, for a member is another store now.
func (s *successions) again() { s.changed(s.keeper.Claim()) }
