package pgstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// engine is the name of what is below.
const engine = "postgresql"

// Store keeps entries in a PostgreSQL database.
type Store struct {
	options Options
	sql     statements
	pool    *pool

	replicas  *replicas
	readSQL   readStatements
	reads     *readLanes
	tailer    *tailer
	writes    *writeLanes
	catalog   catalog
	builds    builds
	effort    effort     // of queries whose cost is not known
	sqlRunner *sqlRunner // nil: callers' statements are not run
	tallies   tallies
	tending   atomic.Bool // VACUUM or ANALYZE is under way

	closing  atomic.Bool
	lifetime context.Context // ends with Close
	end      context.CancelFunc
	owned    sync.WaitGroup // the goroutines of the store
}

// tallies are counts for the operator.
type tallies struct {
	commits    atomic.Int64 // transactions that wrote something
	requests   atomic.Int64 // that those carried
	entries    atomic.Int64 // written by them
	repeated   atomic.Int64 // transactions done again, after a deadlock and the like
	lookedUp   atomic.Int64 // commits whose reply was lost and whose outcome was found out
	unknown    atomic.Int64 // and those where it was not
	exhausted  atomic.Int64 // requests that found no free connection
	readGroups atomic.Int64 // statements that read single entries
	reads      atomic.Int64 // entries those were asked for
	reaped     atomic.Int64 // expired entries made tombstones, and tombstones removed
}

// Open connects to the database, brings its schema up to date where another
// gateway is not at that already, and begins the store's own work. Errors are
// *store.Error; their Detail says in a line what to do.
func Open(ctx context.Context, options Options) (*Store, error) {
	s := &Store{options: options.withDefaults(), effort: defaultEffort}
	s.sql = newStatements(s.options.Schema)
	s.readSQL = newReadStatements(&s.sql)
	s.reads, s.tailer = newReadLanes(s), newTailer(s)
	s.lifetime, s.end = context.WithCancel(context.Background())
	if err := s.open(ctx); err != nil {
		s.end()
		s.owned.Wait()
		if s.pool != nil {
			s.pool.Close()
		}
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if s.replicas, err = s.newReplicas(); err != nil {
		return err
	}
	if s.pool, err = s.newPool(ctx, s.options.URL); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.identify(ctx); err != nil {
		return err
	}
	s.writes = newWriteLanes(s)
	if s.options.SQL {
		if s.sqlRunner, err = s.newSQLRunner(); err != nil {
			return err
		}
	}
	s.replicas.start(s)
	s.owned.Go(s.tailer.run)
	s.owned.Go(s.reapLoop)
	s.owned.Go(s.repairIndexes)
	return nil
}

// Info is the same for every PostgreSQL store but for its name and limits.
func (s *Store) Info() store.Info {
	return store.Info{
		Name:         s.options.Name,
		Engine:       engine,
		Capabilities: s.capabilities(),
		Limits:       s.options.Limits,
	}
}

func (s *Store) capabilities() []store.Capability {
	can := []store.Capability{store.CanSearch, store.CanIndex, store.CanSnapshot, store.CanMaintain, store.CanInspect}
	if s.sqlRunner != nil {
		can = append(can, store.CanSQL)
	}
	return can
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.Searcher    = (*Store)(nil)
	_ store.Indexer     = (*Store)(nil)
	_ store.Snapshotter = (*Store)(nil)
	_ store.Maintainer  = (*Store)(nil)
	_ store.Inspector   = (*Store)(nil)
)

// Ping fails once the server takes no writes: a gateway that can only read is
// not well.
func (s *Store) Ping(ctx context.Context) error {
	return s.query(ctx, "select pg_is_in_recovery()", nil, func(rows pgx.Rows) error {
		var standby bool
		if err := rows.Scan(&standby); err != nil {
			return err
		}
		if standby {
			return s.fail(store.Unavailable, "the database is a standby, and takes no writes", nil)
		}
		return nil
	})
}

// Close waits for what is under way, and fails what still waits.
func (s *Store) Close() error {
	if s.closing.Swap(true) {
		return nil
	}
	s.reads.shut()
	s.builds.end()
	s.end()
	s.owned.Wait()
	s.replicas.close()
	s.pool.Close()
	return nil
}

func (s *Store) isClosed() bool { return s.closing.Load() }

// query runs one statement where ctx says, on the primary unless told otherwise,
// and gives each row to the function.
func (s *Store) query(ctx context.Context, sql string, args []any, each func(pgx.Rows) error) error {
	return s.queryOn(ctx, s.poolOf(ctx), sql, args, each)
}

// queryOn does so on another server. A connection that turns out broken before
// anything came is replaced, once: reading again harms nobody.
func (s *Store) queryOn(ctx context.Context, p *pool, sql string, args []any, each func(pgx.Rows) error) error {
	for attempt := 0; ; attempt++ {
		seen := false
		err := s.queryOnce(ctx, p, sql, args, func(rows pgx.Rows) error { seen = true; return each(rows) })
		if err == nil || seen || attempt > 0 || !broke(err) || ctx.Err() != nil || isDomain(err) {
			return s.internal(err)
		}
	}
}

func isDomain(err error) bool {
	_, ok := errors.AsType[*store.Error](err)
	return ok
}

func (s *Store) queryOnce(ctx context.Context, p *pool, sql string, args []any, each func(pgx.Rows) error) error {
	conn, err := s.acquireFrom(ctx, p)
	if err != nil {
		return err
	}
	defer conn.Release()
	talk, cancel := s.detached(ctx)
	defer cancel()
	if s.statementTimeout(ctx, p) == "" {
		rows, err := conn.Query(talk, sql, args...)
		if err != nil {
			return err
		}
		return drain(rows, each)
	}
	var flight pgx.Batch
	s.queueTimeout(ctx, p, &flight)
	flight.Queue(sql, args...)
	results := conn.SendBatch(talk, &flight)
	if _, err := results.Exec(); err != nil {
		return errors.Join(err, results.Close())
	}
	rows, err := results.Query()
	if err == nil {
		err = drain(rows, each)
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	return err
}

// drain gives each row to the function, until it fails.
func drain(rows pgx.Rows, each func(pgx.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
