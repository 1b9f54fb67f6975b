package store

import (
	"context"
	"io"
	"time"
)

// Forward has the methods of every capability and hands each call on to the store in
// it, which is then told to answer with Unsupported where the store lacks the
// capability. What stands before a store embeds it, and writes only what it does
// differently; As still offers only what Info says.
type Forward struct{ Store }

var (
	_ Store       = Forward{}
	_ Searcher    = Forward{}
	_ Indexer     = Forward{}
	_ Snapshotter = Forward{}
	_ Maintainer  = Forward{}
	_ Inspector   = Forward{}
	_ SQLRunner   = Forward{}
	_ PubSub      = Forward{}
	_ Cacher      = Forward{}
)

// Need gives what the store can do, or Unsupported. Whoever asked As before does not
// see the error.
func Need[C any](s Store) (C, error) {
	c, ok := As[C](s)
	if !ok {
		return c, &Error{Code: Unsupported, Backend: s.Info().Name}
	}
	return c, nil
}

// Search implements Searcher.
func (f Forward) Search(ctx context.Context, q Query) (Found, error) {
	s, err := Need[Searcher](f.Store)
	if err != nil {
		return Found{}, err
	}
	return s.Search(ctx, q)
}

// Count implements Searcher.
func (f Forward) Count(ctx context.Context, q Query) (Counted, error) {
	s, err := Need[Searcher](f.Store)
	if err != nil {
		return Counted{}, err
	}
	return s.Count(ctx, q)
}

// Indexes implements Indexer.
func (f Forward) Indexes(ctx context.Context, table string) ([]Index, error) {
	s, err := Need[Indexer](f.Store)
	if err != nil {
		return nil, err
	}
	return s.Indexes(ctx, table)
}

// PutIndex implements Indexer.
func (f Forward) PutIndex(ctx context.Context, table string, def Index) (bool, error) {
	s, err := Need[Indexer](f.Store)
	if err != nil {
		return false, err
	}
	return s.PutIndex(ctx, table, def)
}

// DropIndex implements Indexer.
func (f Forward) DropIndex(ctx context.Context, table, name string) error {
	s, err := Need[Indexer](f.Store)
	if err != nil {
		return err
	}
	return s.DropIndex(ctx, table, name)
}

// Snapshot implements Snapshotter.
func (f Forward) Snapshot(ctx context.Context, w io.Writer) (int64, error) {
	s, err := Need[Snapshotter](f.Store)
	if err != nil {
		return 0, err
	}
	return s.Snapshot(ctx, w)
}

// Maintains implements Maintainer.
func (f Forward) Maintains(action Action) bool {
	s, ok := As[Maintainer](f.Store)
	return ok && s.Maintains(action)
}

// Maintain implements Maintainer.
func (f Forward) Maintain(ctx context.Context, m Maintenance) error {
	s, err := Need[Maintainer](f.Store)
	if err != nil {
		return err
	}
	return s.Maintain(ctx, m)
}

// Inspect implements Inspector.
func (f Forward) Inspect(ctx context.Context) (Inspection, error) {
	s, err := Need[Inspector](f.Store)
	if err != nil {
		return Inspection{}, err
	}
	return s.Inspect(ctx)
}

// RunSQL implements SQLRunner.
func (f Forward) RunSQL(ctx context.Context, q SQLQuery) (SQLAnswer, error) {
	s, err := Need[SQLRunner](f.Store)
	if err != nil {
		return SQLAnswer{}, err
	}
	return s.RunSQL(ctx, q)
}

// Publish implements PubSub.
func (f Forward) Publish(ctx context.Context, channel string, payload []byte) error {
	s, err := Need[PubSub](f.Store)
	if err != nil {
		return err
	}
	return s.Publish(ctx, channel, payload)
}

// Subscribe implements PubSub.
func (f Forward) Subscribe(ctx context.Context, pattern string) (Subscription, error) {
	s, err := Need[PubSub](f.Store)
	if err != nil {
		return nil, err
	}
	return s.Subscribe(ctx, pattern)
}

// Look implements Cacher.
func (f Forward) Look(ctx context.Context, space string, ref Ref, lease time.Duration) (Copy, Sight, error) {
	s, err := Need[Cacher](f.Store)
	if err != nil {
		return Copy{}, Nothing, err
	}
	return s.Look(ctx, space, ref, lease)
}

// Keep implements Cacher.
func (f Forward) Keep(ctx context.Context, space string, copies []Copy) error {
	s, err := Need[Cacher](f.Store)
	if err != nil {
		return err
	}
	return s.Keep(ctx, space, copies)
}

// Drop implements Cacher.
func (f Forward) Drop(ctx context.Context, space string) error {
	s, err := Need[Cacher](f.Store)
	if err != nil {
		return err
	}
	return s.Drop(ctx, space)
}
