// Package multiwrite is the strategy that keeps everything in several stores: the primary
// decides on versions and times, and the others take over what it has committed.
//
//	s, err := multiwrite.New(multiwrite.Options{
//		Name: "multi-write(pg,local)", Primary: pg,
//		Secondaries: []multiwrite.Secondary{{Name: "local", Store: local, Replica: replica.Follow(…)}},
//	})
//	defer s.Close()
//
// A write is done once the primary has committed it. What it has written is then installed
// in all secondaries at once, and the write waits for that, but not for long: a secondary
// that is away gets it from the primary's change feed, by its replica, and whoever wrote is
// told that it is pending. Since of each key the newer version wins, it does not matter in
// which order the two bring it. Deletions are left to the feed, which has them in full.
//
// Reads are the primary's. Where it can't serve, and the reader takes an old copy, a
// secondary answers whose replica is no further behind than that.
package multiwrite

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Engine is the name of the strategy.
const Engine = "multi-write"

// Replica brings a secondary what the primary has. A replica.Follower is one.
type Replica interface {
	// Lag is how long ago all that was committed is in the secondary; known is false
	// before that was so once.
	Lag() (lag time.Duration, known bool)
	// Witness is an entry of the secondary that is read together with others, or after
	// them. Attests says by it whether the secondary had then all that Lag speaks of: one
	// that has just come back empty or from an old dump had not.
	Witness() store.Ref
	Attests(witness store.Entry) bool
	Close() error
}

// Secondary is a store that takes over what the primary has committed. It is written by
// nobody else.
type Secondary struct {
	Name    string // in Source
	Store   store.Store
	Replica Replica // closed with the strategy
}

// Options set a Store up. Name, Primary and Secondaries are required.
type Options struct {
	Name        string
	Primary     store.Store
	Secondaries []Secondary
	PutTimeout  time.Duration // how long a write waits for the secondaries; 50 ms
	Logger      zerolog.Logger
}

// Store is a primary with secondaries.
type Store struct {
	store.Forward // of the primary
	primary       store.Store
	options       Options
	pushes        sync.WaitGroup

	pushed, unpushed, fallbacks atomic.Int64
}

var _ store.Store = (*Store)(nil)

// New makes the strategy.
func New(o Options) (*Store, error) {
	if o.Primary == nil || o.Name == "" || len(o.Secondaries) == 0 {
		return nil, errors.New("multiwrite: a name, a primary and a secondary are missing")
	}
	for _, s := range o.Secondaries {
		if s.Store == nil || s.Replica == nil {
			return nil, errors.New("multiwrite: a secondary has a store and a replica")
		}
	}
	o.PutTimeout = cmp.Or(o.PutTimeout, 50*time.Millisecond)
	return &Store{Forward: store.Forward{Store: o.Primary}, primary: o.Primary, options: o}, nil
}

// Info is the primary's, by the strategy's name.
func (s *Store) Info() store.Info {
	info := s.primary.Info()
	info.Name, info.Engine = s.options.Name, Engine
	info.Capabilities = slices.DeleteFunc(slices.Clone(info.Capabilities), func(c store.Capability) bool { return c == store.CanCache })
	return info
}

// Close ends the replicas. The members are closed by whoever opened them.
func (s *Store) Close() error {
	s.pushes.Wait()
	var errs []error
	for _, one := range s.options.Secondaries {
		errs = append(errs, one.Replica.Close())
	}
	return errors.Join(errs...)
}

// Apply has the primary do it, and the secondaries take it over.
func (s *Store) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	results, err := s.primary.Apply(ctx, b)
	if err != nil || b.DryRun {
		return results, err
	}
	var entries []store.Entry
	deleted := false
	for i := range results {
		switch {
		case !results[i].Changed:
		case results[i].Entry.Exists():
			entries = append(entries, results[i].Entry)
		default:
			deleted = true
		}
	}
	if len(entries) == 0 && !deleted {
		return results, nil
	}
	told := store.ReplicationComplete
	if !s.push(ctx, entries) || deleted {
		told = store.ReplicationPending
	}
	for i := range results {
		if results[i].Changed {
			results[i].Replication = told
		}
	}
	return results, nil
}

// push installs entries in all secondaries at once, and says whether all have them in time.
// Those that take longer go on, within the same bound again.
func (s *Store) push(ctx context.Context, entries []store.Entry) (all bool) {
	if len(entries) == 0 {
		return true
	}
	// The write is done, whether or not its caller still waits for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.PutTimeout)
	defer cancel()
	done := make(chan bool, len(s.options.Secondaries))
	for _, one := range s.options.Secondaries {
		s.pushes.Go(func() { done <- one.Store.Install(ctx, entries) == nil })
	}
	all = true
	for range s.options.Secondaries {
		select {
		case ok := <-done:
			all = all && ok
		case <-ctx.Done():
			all = false
		}
	}
	if all {
		s.pushed.Add(1)
	} else {
		s.unpushed.Add(1)
	}
	return all
}

// Get reads from the primary or, where that can't serve and the reader takes it, from a
// secondary.
func (s *Store) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	return orOld(ctx, s, func(ctx context.Context, from store.Store) (store.Read, error) {
		return from.Get(ctx, refs)
	}, func(read *store.Read, from store.Source) bool {
		read.Source = from
		read.Horizon = 0 // which is of another feed
		return !slices.ContainsFunc(read.Entries, func(e store.Entry) bool { return e.Version < store.FreshnessOf(ctx).MinVersion })
	})
}

// Scan reads as Get does.
func (s *Store) Scan(ctx context.Context, q store.Scan) (store.Page, error) {
	return orOld(ctx, s, func(ctx context.Context, from store.Store) (store.Page, error) {
		return from.Scan(ctx, q)
	}, func(page *store.Page, from store.Source) bool {
		page.Source = from
		return page.Next == "" && q.After == "" // places in a list are a store's own
	})
}

// orOld reads from the primary, and from the first secondary that will do where the
// primary can't serve.
func orOld[R any](ctx context.Context, s *Store, read func(context.Context, store.Store) (R, error), good func(*R, store.Source) bool) (R, error) {
	result, err := read(ctx, s.primary)
	fresh := store.FreshnessOf(ctx)
	if err == nil || fresh.IfError == 0 || store.CodeOf(err).Fault() != store.ServersFault || ctx.Err() != nil {
		return result, err
	}
	for _, one := range s.options.Secondaries {
		began := time.Now()
		lag, known := one.Replica.Lag()
		if !known || lag > fresh.IfError {
			continue
		}
		newest := store.WithFreshness(ctx, store.Freshness{})
		old, otherErr := read(newest, one.Store)
		if otherErr == nil && one.attested(newest) && good(&old, store.Source{Copy: one.Name, Age: lag + time.Since(began)}) {
			s.fallbacks.Add(1)
			return old, nil
		}
	}
	return result, err
}

// attested says whether the secondary has all that its lag speaks of.
func (one Secondary) attested(ctx context.Context) bool {
	read, err := one.Store.Get(ctx, []store.Ref{one.Replica.Witness()})
	return err == nil && one.Replica.Attests(read.Entries[0])
}

// PutIndex makes an index in the primary, and in the secondaries that can have it, for
// when they are read. There it is not unique: what the primary has held to is so, but may
// come in another order.
func (s *Store) PutIndex(ctx context.Context, table string, def store.Index) (bool, error) {
	made, err := s.Forward.PutIndex(ctx, table, def)
	if err != nil {
		return made, err
	}
	def.Unique = false
	for _, one := range s.options.Secondaries {
		indexer, ok := store.As[store.Indexer](one.Store)
		if !ok {
			continue
		}
		if _, err := indexer.PutIndex(ctx, table, def); err != nil {
			s.options.Logger.Warn().Err(err).Str("secondary", one.Name).Msg("an index of the primary can't be made in a secondary, which answers queries without it")
		}
	}
	return made, nil
}

// DropIndex removes an index everywhere.
func (s *Store) DropIndex(ctx context.Context, table, name string) error {
	if err := s.Forward.DropIndex(ctx, table, name); err != nil {
		return err
	}
	for _, one := range s.options.Secondaries {
		indexer, ok := store.As[store.Indexer](one.Store)
		if !ok {
			continue
		}
		if err := indexer.DropIndex(ctx, table, name); err != nil && !errors.Is(err, store.NotFound) {
			s.options.Logger.Warn().Err(err).Str("secondary", one.Name).Msg("an index that the primary no longer has can't be removed from a secondary")
		}
	}
	return nil
}

// Told are figures, as metrics have them.
func (s *Store) Told() []store.Figure {
	counter := func(name, help string, n *atomic.Int64) store.Figure {
		return store.Figure{Name: name + "_total", Help: help, Value: float64(n.Load()), Counter: true}
	}
	told := []store.Figure{
		counter("pushed", "Writes that all secondaries had before they were acknowledged.", &s.pushed),
		counter("unpushed", "Writes that a secondary did not have by then, and gets from the feed.", &s.unpushed),
		counter("fallbacks", "Reads answered from an old copy or by another member, since the one that should have could not.", &s.fallbacks),
	}
	behind, longest := 0, time.Duration(0)
	for _, one := range s.options.Secondaries {
		lag, known := one.Replica.Lag()
		if !known {
			behind++
			continue
		}
		longest = max(longest, lag)
	}
	return append(
		told,
		store.Figure{Name: "secondary_lag_seconds", Help: "How old what the slowest of the secondaries has may be.", Value: longest.Seconds()},
		store.Figure{Name: "secondaries_filling", Help: "Secondaries that have not had everything yet.", Value: float64(behind)},
	)
}
