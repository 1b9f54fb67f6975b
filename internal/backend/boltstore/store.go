package boltstore

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// engine is the name of what is below.
const engine = "bbolt"

// Store keeps entries in a bbolt file.
type Store struct {
	options Options
	id      string // of the file, in cursors
	clock   clock

	file      atomic.Pointer[file]
	queue     chan *request
	exclusive chan *request
	// refuses is set once the file no longer takes writes, with the reason.
	refuses atomic.Pointer[store.Error]

	indexes    atomic.Pointer[catalog] // the writer alone replaces it
	builds     builds
	feed       notifier
	tallies    tallies
	compacting atomic.Bool
	closing    atomic.Bool
	lifetime   context.Context // ends with Close
	end        context.CancelFunc
	owned      sync.WaitGroup // the goroutines of the store
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.Searcher    = (*Store)(nil)
	_ store.Indexer     = (*Store)(nil)
	_ store.Snapshotter = (*Store)(nil)
	_ store.Maintainer  = (*Store)(nil)
	_ store.Inspector   = (*Store)(nil)
)

// tallies are counts for the operator.
type tallies struct {
	commits  atomic.Int64 // with something in them
	requests atomic.Int64 // that those committed
	entries  atomic.Int64 // written by them
	reaped   atomic.Int64 // expired entries made tombstones, and tombstones removed
}

// Open opens the file and makes it where there is none. Errors are
// *store.Error; their Detail says in a line what to do.
func Open(options Options) (*Store, error) {
	options = options.withDefaults()
	db, err := openFile(&options)
	if err != nil {
		return nil, err
	}
	s := &Store{
		options:   options,
		clock:     clock{now: options.Now},
		queue:     make(chan *request, 2*groupRequests),
		exclusive: make(chan *request),
	}
	s.lifetime, s.end = context.WithCancel(context.Background())
	s.file.Store(newFile(db))
	begun, err := s.load(s.file.Load())
	if err != nil {
		s.end()
		return nil, openError(&s.options, closeAfter(db, err))
	}
	s.owned.Go(s.writeLoop)
	s.owned.Go(s.reapLoop)
	for _, x := range begun {
		s.build(x)
	}
	return s, nil
}

// load reads from the file what the store keeps in memory, and which indexes are
// still to be built.
func (s *Store) load(f *file) (begun []*index, err error) {
	err = f.db.View(func(tx *bolt.Tx) error {
		s.id = string(tx.Bucket(metaBucket).Get(fileIDKey))
		state, err := readState(tx)
		if err != nil {
			return err
		}
		f.committed.Store(&landed{tx: tx.ID(), state: state})
		s.clock.advance(state.time)
		c, err := loadCatalog(tx)
		if err != nil {
			return err
		}
		s.indexes.Store(c)
		begun, err = unfinished(tx, c)
		return err
	})
	return begun, err
}

// Info is the same for every bbolt store but for its name and limits.
func (s *Store) Info() store.Info {
	return store.Info{
		Name:   s.options.Name,
		Engine: engine,
		Capabilities: []store.Capability{
			store.CanSearch, store.CanIndex, store.CanSnapshot, store.CanMaintain, store.CanInspect,
		},
		Limits: s.options.Limits,
	}
}

// Ping fails once writes do: a gateway that can only read is not well.
func (s *Store) Ping(ctx context.Context) error {
	if ctx.Err() != nil {
		return s.ended(ctx)
	}
	if refusal := s.refuses.Load(); refusal != nil {
		return refusal
	}
	return s.view(func(tx *bolt.Tx) error {
		_, err := readState(tx)
		return err
	})
}

// Tables counts exactly: what has expired and has not been reaped is found at
// the front of the order of expiry.
func (s *Store) Tables(ctx context.Context) ([]store.TableInfo, error) {
	if ctx.Err() != nil {
		return nil, s.ended(ctx)
	}
	var tables []store.TableInfo
	now := s.clock.micros()
	err := s.view(func(tx *bolt.Tx) error {
		tables = nil
		return tx.Bucket(tablesBucket).ForEach(func(name, b []byte) error {
			t, err := decodeTableState(b)
			if err != nil || t.live+t.tombstones == 0 {
				return err
			}
			table := string(name)
			expired, err := s.countExpired(ctx, tx, table, now)
			if err != nil {
				return err
			}
			tables = append(tables, store.TableInfo{Name: table, Entries: t.live - expired})
			return nil
		})
	})
	return slices.Clip(tables), err
}

func (s *Store) countExpired(ctx context.Context, tx *bolt.Tx, table string, now int64) (int64, error) {
	bucket := tableBucket(tx, expiryArea, table)
	if bucket == nil {
		return 0, nil
	}
	var n int64
	pace := s.pace(ctx)
	cursor := bucket.Cursor()
	for k, _ := cursor.First(); k != nil; k, _ = cursor.Next() {
		ends, _, err := splitTimedKey(k)
		if err != nil {
			return 0, err
		}
		if ends > now {
			break
		}
		if n++; pace.ended() {
			return 0, pace.err()
		}
	}
	return n, nil
}

// Close waits for the commit under way and for reads that have begun. What
// still waits to be written fails with Unavailable, unwritten.
func (s *Store) Close() error {
	if s.closing.Swap(true) {
		return nil
	}
	s.end()
	s.endBuilds()
	s.owned.Wait()
	f := s.file.Load()
	f.release()
	<-f.idle
	if err := f.db.Close(); err != nil {
		return s.fail(store.Internal, "the file could not be closed", err)
	}
	return nil
}

func (s *Store) isClosed() bool { return s.closing.Load() }
