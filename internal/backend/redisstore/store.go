package redisstore

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// engine is the name of what is below.
const engine = "redis"

// Store keeps entries in Redis.
type Store struct {
	options Options
	address address
	scripts scripts

	link     atomic.Pointer[link]        // nil until a server has been reached
	refused  atomic.Pointer[store.Error] // why it was not, the last time
	catalogs catalogs
	sequence highest // of all that this store has seen
	queues   *queues
	tailer   *tailer
	builds   builds
	cache    *cache // nil: no entries are kept in this process
	pubsub   *pubsub
	tallies  tallies

	connections connections

	closing  atomic.Bool
	lifetime context.Context // ends with Close
	end      context.CancelFunc
	owned    sync.WaitGroup // the goroutines of the store
}

var (
	_ store.Store      = (*Store)(nil)
	_ store.Maintainer = (*Store)(nil)
	_ store.Inspector  = (*Store)(nil)
	_ store.Searcher   = (*Store)(nil)
	_ store.Indexer    = (*Store)(nil)
)

// link is the way to the server.
type link struct {
	client rueidis.Client
	keyspace
	contacts []contact // with each shard's server
}

// tallies are counts for the operator.
type tallies struct {
	scripted atomic.Int64 // batches that one script did by itself
	commits  atomic.Int64 // batches read, evaluated and written
	repeated atomic.Int64 // times that was done again, since another had written
	entries  atomic.Int64 // written
	unknown  atomic.Int64 // writes of which nobody knows whether they happened
	repairs  atomic.Int64 // times that indexes were looked after
	reaped   atomic.Int64 // expired entries made tombstones, and tombstones removed

	published  atomic.Int64 // messages sent
	received   atomic.Int64 // messages that came for a subscription of the server's
	unreadable atomic.Int64 // messages that others have published, and larder can't read
	gaps       atomic.Int64 // times that subscribers were told that messages may be missing
}

// Open makes a store. Where the server can't be reached yet, the store connects
// once it can. Errors are *store.Error: a URL that is none, credentials that the
// server refuses, a server too old, keys of another format or number of shards;
// their Detail says in a line what to do.
func Open(ctx context.Context, options Options) (*Store, error) {
	s := &Store{options: options.withDefaults(), scripts: newScripts(), queues: newQueues(), tailer: newTailer()}
	s.cache = newCache(&s.options)
	s.lifetime, s.end = context.WithCancel(context.Background())
	if err := s.open(ctx); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if s.address, err = parseAddress(s.options.URL); err != nil {
		wrong := store.AsError(err)
		wrong.Backend = s.options.Name
		return wrong
	}
	if err := s.options.validate(); err != nil {
		return err
	}
	s.pubsub = newPubSub(s)
	switch err := s.connect(ctx); {
	case err == nil:
	case ctx.Err() != nil || !passes(err):
		return err
	default:
		s.options.Logger.Warn().Err(err).Msg("Redis can't be used yet; larder goes on trying")
		s.owned.Go(s.connectLoop)
	}
	s.owned.Go(s.reapLoop)
	s.owned.Go(s.repairLoop)
	s.owned.Go(s.tail)
	return nil
}

// Info is the same for every Redis store but for its name and limits.
func (s *Store) Info() store.Info {
	return store.Info{
		Name:         s.options.Name,
		Engine:       engine,
		Capabilities: []store.Capability{store.CanSearch, store.CanIndex, store.CanMaintain, store.CanInspect, store.CanPubSub, store.CanCache},
		Limits:       s.options.Limits,
	}
}

// Close waits for what is under way, and fails what still waits.
func (s *Store) Close() error {
	if s.closing.Swap(true) {
		return nil
	}
	s.builds.end()
	s.pubsub.close()
	s.end()
	s.owned.Wait()
	if l := s.link.Load(); l != nil {
		l.client.Close()
	}
	return nil
}

func (s *Store) isClosed() bool { return s.closing.Load() }

// enter begins a call: it gives the way to the server, or the reason why there is
// none.
func (s *Store) enter(ctx context.Context) (*link, error) {
	switch {
	case s.isClosed():
		return nil, s.closed()
	case ctx.Err() != nil:
		return nil, s.ended(ctx)
	}
	l := s.link.Load()
	if l == nil {
		return nil, s.unreached()
	}
	return l, nil
}
