package cacheaside

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Engine is the name of the strategy.
const Engine = "cache-aside"

// Options set a Store up. Name and Ledger are required.
type Options struct {
	Name   string  // in Info, and of the primary's answers
	Ledger *Ledger // of the primary; whoever made it closes it

	// Cache keeps copies for all instances; it has store.CanCache. nil: each keeps
	// its own only.
	Cache     store.Store
	CacheName string // in Source
	Space     string // the same for all who share Cache and primary; the primary's name

	Staleness   time.Duration // δ, how old a copy may be by default; 1 s
	MemoryBytes int           // of copies in this process; 64 MiB; less than 0: none
	PutTimeout  time.Duration // how long a write waits for the cache; 50 ms
	LookTimeout time.Duration // how long a read does; 50 ms
	Lease       time.Duration // how long others wait for one who fills a gap; 50 ms
	Patience    time.Duration // how long the primary may take where an old copy would do; 500 ms

	Logger zerolog.Logger
}

// Store is a primary with copies of it.
type Store struct {
	store.Forward // of the primary
	primary       store.Store

	options Options
	ledger  *Ledger
	memory  *memory
	cache   store.Cacher
	gate    gate
	worth   worth
	filler  *filler
	flights flights
	figures figures
}

var _ store.Store = (*Store)(nil)

// New makes the strategy over the primary of o.Ledger.
func New(o Options) (*Store, error) {
	if o.Ledger == nil {
		return nil, errors.New("cacheaside: Options.Ledger is missing")
	}
	if o.Name == "" {
		return nil, errors.New("cacheaside: Options.Name is missing")
	}
	primary := o.Ledger.primary
	o.Space = cmp.Or(o.Space, primary.Info().Name)
	o.Staleness = cmp.Or(o.Staleness, time.Second)
	o.MemoryBytes = cmp.Or(o.MemoryBytes, 64<<20)
	o.PutTimeout = cmp.Or(o.PutTimeout, 50*time.Millisecond)
	o.LookTimeout = cmp.Or(o.LookTimeout, 50*time.Millisecond)
	o.Lease = cmp.Or(o.Lease, 50*time.Millisecond)
	o.Patience = cmp.Or(o.Patience, 500*time.Millisecond)
	s := &Store{Forward: store.Forward{Store: primary}, primary: primary, options: o, ledger: o.Ledger}
	s.worth.begin()
	if o.Cache != nil {
		var err error
		if s.cache, err = store.Need[store.Cacher](o.Cache); err != nil {
			return nil, errors.New("cacheaside: " + o.CacheName + " can't keep copies of another store's entries")
		}
		s.filler = newFiller(s)
	}
	if o.MemoryBytes > 0 {
		var err error
		if s.memory, err = newMemory(o.MemoryBytes); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Info implements [store.Store]: what the primary can do, and to empty its copies.
func (s *Store) Info() store.Info {
	info := s.primary.Info()
	info.Name, info.Engine = s.options.Name, Engine
	info.Capabilities = slices.DeleteFunc(slices.Clone(info.Capabilities), func(c store.Capability) bool {
		return c == store.CanCache || c == store.CanMaintain
	})
	info.Capabilities = append(info.Capabilities, store.CanMaintain)
	return info
}

// Get gives a single entry from a copy where the reader takes one, and all else from
// the primary.
func (s *Store) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	fresh := store.FreshnessOf(ctx)
	switch {
	case len(refs) != 1 || fresh == (store.Freshness{}):
		return s.newest(ctx, refs)
	case fresh.IfError > 0:
		return s.getOrOld(ctx, refs, fresh)
	}
	return s.get(ctx, refs, fresh)
}

func (s *Store) get(ctx context.Context, refs []store.Ref, fresh store.Freshness) (store.Read, error) {
	want := need{version: fresh.MinVersion}
	switch {
	case fresh.MaxAge > 0:
		want.bound = fresh.MaxAge
	case fresh.Recent:
		want.bound = s.options.Staleness
	case !fresh.OnlyCopy:
		return s.newest(ctx, refs)
	}
	why := store.Miss
	trace := store.TraceOf(ctx)
	if c, found := s.memory.get(refs[0]); found {
		age, failed := s.ledger.check(c.entry(), c.horizon, c.epoch, want, time.Now())
		if failed == met {
			s.figures.memoryHits.Add(1)
			trace.Note(memoryName, "hit")
			if c.unshared.Load() && c.unshared.CompareAndSwap(true, false) {
				s.share(c.copied())
			}
			return c.read(age), nil
		}
		why = store.Stale
		if trace != nil {
			trace.Note(memoryName, failed.stale())
		}
	} else {
		trace.Note(memoryName, "miss")
	}
	return s.load(ctx, refs, fresh, want, why)
}

// memoryName is the name of this process's copies in a Source.
const memoryName = "memory"

func served(c *store.Copy, by string, age time.Duration) store.Read {
	return store.Read{Entries: []store.Entry{c.Entry}, Horizon: c.Horizon, Source: store.Source{Copy: by, Age: age}}
}

// newest reads from the primary.
func (s *Store) newest(ctx context.Context, refs []store.Ref) (store.Read, error) {
	epoch, known := s.ledger.epochNow()
	if fresh := store.FreshnessOf(ctx); fresh != (store.Freshness{}) {
		ctx = store.WithFreshness(ctx, store.Freshness{})
	}
	read, err := s.primary.Get(ctx, refs)
	if err != nil {
		return read, err
	}
	s.figures.bypassed.Add(1)
	for i := range read.Entries {
		s.ledger.floors.see(read.Entries[i].Ref, read.Entries[i].Version)
	}
	if known && len(refs) == 1 {
		s.memory.keep(&store.Copy{Entry: read.Entries[0], Horizon: read.Horizon, Epoch: epoch}, true)
	}
	read.Source.Why = store.Bypass
	return read, nil
}

// epochNow is the epoch that a read which begins now is of.
func (l *Ledger) epochNow() (epoch uint64, known bool) {
	r := l.reading.Load()
	if r == nil {
		return 0, false
	}
	return r.epoch, true
}

// Close ends the filling of the cache. The primary and the cache are closed by whoever
// opened them.
func (s *Store) Close() error {
	if s.filler != nil {
		s.filler.close()
	}
	s.memory.close()
	return nil
}

// Maintains says that copies can be dropped, and what the primary knows.
func (s *Store) Maintains(action store.Action) bool {
	return action == store.Flush || s.Forward.Maintains(action)
}

// Maintain drops all copies of the primary's entries, or has the primary do it.
func (s *Store) Maintain(ctx context.Context, m store.Maintenance) error {
	if m.Action != store.Flush {
		return s.Forward.Maintain(ctx, m)
	}
	s.memory.clear()
	if s.cache == nil {
		return nil
	}
	return s.cache.Drop(ctx, s.options.Space)
}
