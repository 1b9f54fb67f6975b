package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"larder/internal/intercept"
	"larder/internal/replica"
	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/strategy"
	"larder/internal/strategy/cacheaside"
	"larder/internal/strategy/fastestread"
	"larder/internal/strategy/multiwrite"
	"larder/internal/telemetry"
)

// strategies builds what routes name, each once.
type strategies struct {
	app     *App
	members *registry

	mu      sync.Mutex
	ledgers map[string]*cacheaside.Ledger // by primary
	built   map[string]built              // by the strategy's name; those that are routed by
	routes  router.Routes                 // by which
	ended   []*telemetry.Callee           // that are routed by until others are built in their place
	heirs   heirs
}

func newStrategies(a *App, ms *registry, system string) *strategies {
	return &strategies{
		app: a, members: ms, ledgers: map[string]*cacheaside.Ledger{}, built: map[string]built{},
		heirs: heirs{system: system, following: map[string]*replica.Follower{}},
	}
}

// built is a strategy that has been.
type built struct {
	store.Store
	counted  store.Store                  // the same, with its calls counted
	scope    string                       // the tables that it is for, where it matters
	members  []string                     // that it is over
	replicas map[string]*replica.Follower // by secondary
	counts   *telemetry.Callee            // its calls, told of while it is routed by
}

// lanes builds the strategies of routes. Those that it has built already go on.
func (s *strategies) lanes(routes router.Routes) ([]router.Lane, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lanes := make([]router.Lane, len(routes))
	next := make(map[string]built)
	for i, r := range routes {
		one, found := next[r.Name()]
		if !found {
			one, found = s.built[r.Name()]
			found = found && one.scope == scopeOf(r, routes)
		}
		if !found {
			var err error
			if one, err = s.build(r, routes); err != nil {
				return nil, fmt.Errorf("the route %s: %w", r, err)
			}
		}
		next[r.Name()] = one
		lanes[i] = router.Lane{Route: r, Store: one.counted, Primary: s.members.of(r.Primary()).store}
		lanes[i].Follower, _ = one.Store.(router.Follower)
	}
	s.uncount(next)
	s.built, s.routes = next, routes
	s.inherit(routes)
	return lanes, nil
}

// uncount has those no longer be told of that others come in place of.
func (s *strategies) uncount(next map[string]built) {
	for name, one := range s.built {
		if next[name].counts != one.counts {
			one.counts.Release()
		}
	}
	for _, counts := range s.ended {
		counts.Release()
	}
	s.ended = nil
}

// scopeOf are the routes that decide which tables a strategy is for, where it copies them:
// one that gets more of them begins anew.
func scopeOf(r router.Route, routes router.Routes) string {
	if r.Strategy != router.MultiWrite && r.Strategy != router.FastestRead {
		return ""
	}
	sorted := slices.Clone(routes)
	slices.SortFunc(sorted, func(a, b router.Route) int { return strings.Compare(a.Pattern, b.Pattern) })
	return sorted.String()
}

func (s *strategies) build(r router.Route, routes router.Routes) (built, error) {
	var one store.Store
	var replicas map[string]*replica.Follower
	var err error
	switch r.Strategy {
	case router.PrimaryOnly:
		one = strategy.NewPrimaryOnly(r.Name(), s.members.of(r.Primary()).store)
	case router.CacheAside:
		one, err = s.cacheAside(r)
	case router.MultiWrite:
		var o multiwrite.Options
		o, replicas = s.multiWrite(r, routes)
		one, err = multiwrite.New(o)
	case router.FastestRead:
		o := fastestread.Options{PrimaryName: r.Primary(), Staleness: s.app.cfg.CacheStaleness}
		o.Options, replicas = s.multiWrite(r, routes)
		one, err = fastestread.New(o)
	default:
		err = fmt.Errorf("there is no strategy %q", r.Strategy)
	}
	if err != nil {
		return built{}, err
	}
	counts := s.app.through.Use(r.Name())
	counted := intercept.Measure(one, func(o intercept.Operation) intercept.Observer { return counts.Call(o.String()) })
	return built{one, counted, scopeOf(r, routes), r.Members, replicas, counts}, nil
}

// multiWrite are the options of a strategy that writes to all members, with what brings the
// secondaries up to date.
func (s *strategies) multiWrite(r router.Route, routes router.Routes) (multiwrite.Options, map[string]*replica.Follower) {
	primary := s.members.of(r.Primary())
	var secondaries []multiwrite.Secondary
	replicas := make(map[string]*replica.Follower)
	for _, name := range r.Members[1:] {
		to := s.members.of(name)
		replicas[name] = replica.Follow(replica.Options{
			From: primary.store, FromName: r.Name(), To: to.kept,
			Scope: scopeOf(r, routes), Tables: func(table string) bool { return routes.Of(table).Name() == r.Name() },
			Logger: s.app.log.With().Str("strategy", r.Name()).Str("secondary", name).Logger(),
		})
		secondaries = append(secondaries, multiwrite.Secondary{Name: name, Store: to.store, Replica: replicas[name]})
	}
	return multiwrite.Options{Name: r.Name(), Primary: primary.store, Secondaries: secondaries, Logger: s.app.log}, replicas
}

func (s *strategies) cacheAside(r router.Route) (store.Store, error) {
	primary := s.members.of(r.Primary())
	cache := s.members.of(r.Members[1])
	memory := int(s.app.cfg.CacheMemory)
	if memory == 0 {
		memory = -1
	}
	return cacheaside.New(cacheaside.Options{
		Name: r.Name(), Ledger: s.ledger(primary),
		Cache: cache.store, CacheName: cache.name, Space: primary.name,
		Staleness: s.app.cfg.CacheStaleness, MemoryBytes: memory, Logger: s.app.log,
	})
}

// forget has what is built over a member be built anew the next time.
func (s *strategies) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for strategy, one := range s.built {
		if slices.Contains(one.members, name) {
			s.ended = append(s.ended, one.counts)
			delete(s.built, strategy)
		}
	}
	if l, followed := s.ledgers[name]; followed {
		_ = l.Close() // never fails
		delete(s.ledgers, name)
	}
	if f, follows := s.heirs.following[name]; follows {
		_ = f.Close() // never fails
		delete(s.heirs.following, name)
	}
}

// waits says what has not caught up with a member since then, "" for nothing: the copies of
// its entries, or itself as a secondary.
func (s *strategies) waits(name string, since time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, followed := s.ledgers[name]; followed && !l.CaughtUp(since) {
		return "its change feed has not been read since it answers again"
	}
	for strategy, one := range s.built {
		if f, secondary := one.replicas[name]; secondary && !f.CaughtUp(since) {
			return "it has not yet what was written meanwhile by " + strategy
		}
	}
	return ""
}

// teller is a strategy that counts what it does.
type teller interface{ Told() []store.Figure }

// figures are those of all strategies, by name; there are none of those that count nothing.
func (s *strategies) figures() map[string][]telemetry.Figure {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]telemetry.Figure)
	for name, one := range s.built {
		all[name] = nil
		if t, counts := one.Store.(teller); counts {
			for _, f := range t.Told() {
				all[name] = append(all[name], telemetry.Figure(f))
			}
		}
	}
	return all
}

// maxLedgerPause lies between two reads of a primary's feed where nothing asks for less.
const maxLedgerPause = 200 * time.Millisecond

// close ends the following of primaries. The strategies are closed by the router.
func (s *strategies) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := []error{s.disinherit()}
	for _, l := range s.ledgers {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// release gives the ledger of a primary that nothing is built over any more, to be closed
// once the last call has ended; nil: there is none.
func (s *strategies) release(primary string) *cacheaside.Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.ledgers[primary]
	delete(s.ledgers, primary)
	return l
}

// ledger is the one that follows a primary.
func (s *strategies) ledger(primary *member) *cacheaside.Ledger {
	l, found := s.ledgers[primary.name]
	if !found {
		l = cacheaside.NewLedger(primary.store, cacheaside.LedgerOptions{
			Every:  min(s.app.cfg.CacheStaleness/5, maxLedgerPause),
			Logger: s.app.log.With().Str("backend", primary.name).Logger(),
		})
		s.ledgers[primary.name] = l
	}
	return l
}
