package app

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/strategy"
	"larder/internal/strategy/cacheaside"
	"larder/internal/telemetry"
)

// strategies builds what routes name, each once.
type strategies struct {
	app     *App
	members members

	mu      sync.Mutex
	ledgers map[string]*cacheaside.Ledger // by primary
	built   map[string]store.Store        // by the strategy's name; those that are routed by
}

func newStrategies(a *App, ms members) *strategies {
	return &strategies{app: a, members: ms, ledgers: map[string]*cacheaside.Ledger{}, built: map[string]store.Store{}}
}

// lanes builds the strategies of routes. Those that it has built already go on.
func (s *strategies) lanes(routes router.Routes) ([]router.Lane, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lanes := make([]router.Lane, len(routes))
	built := make(map[string]store.Store)
	for i, r := range routes {
		one, found := built[r.Name()]
		if !found {
			one, found = s.built[r.Name()]
		}
		if !found {
			var err error
			if one, err = s.build(r); err != nil {
				return nil, fmt.Errorf("the route %s: %w", r, err)
			}
		}
		built[r.Name()] = one
		lanes[i] = router.Lane{Route: r, Store: one, Primary: s.members.of(r.Primary()).store}
	}
	s.built = built
	return lanes, nil
}

func (s *strategies) build(r router.Route) (store.Store, error) {
	primary := s.members.of(r.Primary())
	if r.Strategy == router.PrimaryOnly {
		return strategy.NewPrimaryOnly(r.Name(), primary.store), nil
	}
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

// teller is a strategy that counts what it does.
type teller interface{ Told() []store.Figure }

// figures are those of the strategies that count, by name.
func (s *strategies) figures() map[string][]telemetry.Figure {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]telemetry.Figure)
	for name, one := range s.built {
		if t, counts := one.(teller); counts {
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
	var errs []error
	for _, l := range s.ledgers {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
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
