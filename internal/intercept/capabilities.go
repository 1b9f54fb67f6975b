package intercept

import (
	"context"
	"io"
	"time"

	"larder/internal/store"
)

var (
	_ store.Searcher    = (*wrapped)(nil)
	_ store.Indexer     = (*wrapped)(nil)
	_ store.Snapshotter = (*wrapped)(nil)
	_ store.Maintainer  = (*wrapped)(nil)
	_ store.Inspector   = (*wrapped)(nil)
	_ store.SQLRunner   = (*wrapped)(nil)
	_ store.PubSub      = (*wrapped)(nil)
	_ store.Cacher      = (*wrapped)(nil)
)

func (w *wrapped) Search(ctx context.Context, q store.Query) (store.Found, error) {
	searcher, err := store.Need[store.Searcher](w.Store)
	if err != nil {
		return store.Found{}, err
	}
	return through(ctx, w.handle, searchCall, searcher.Search, q)
}

func (w *wrapped) Count(ctx context.Context, q store.Query) (store.Counted, error) {
	searcher, err := store.Need[store.Searcher](w.Store)
	if err != nil {
		return store.Counted{}, err
	}
	return through(ctx, w.handle, countCall, searcher.Count, q)
}

func (w *wrapped) Indexes(ctx context.Context, table string) ([]store.Index, error) {
	indexer, err := store.Need[store.Indexer](w.Store)
	if err != nil {
		return nil, err
	}
	return through(ctx, w.handle, indexesCall, indexer.Indexes, table)
}

func (w *wrapped) PutIndex(ctx context.Context, table string, def store.Index) (made bool, err error) {
	indexer, err := store.Need[store.Indexer](w.Store)
	if err != nil {
		return false, err
	}
	err = w.handle(ctx, putIndexCall, unary(func(ctx context.Context) (err error) {
		made, err = indexer.PutIndex(ctx, table, def)
		return err
	}))
	return made, err
}

func (w *wrapped) DropIndex(ctx context.Context, table, name string) error {
	indexer, err := store.Need[store.Indexer](w.Store)
	if err != nil {
		return err
	}
	return w.handle(ctx, dropIndexCall, unary(func(ctx context.Context) error { return indexer.DropIndex(ctx, table, name) }))
}

func (w *wrapped) Snapshot(ctx context.Context, to io.Writer) (int64, error) {
	snapshotter, err := store.Need[store.Snapshotter](w.Store)
	if err != nil {
		return 0, err
	}
	return through(ctx, w.handle, snapshotCall, snapshotter.Snapshot, to)
}

func (w *wrapped) Maintains(action store.Action) bool {
	maintainer, ok := store.As[store.Maintainer](w.Store)
	return ok && maintainer.Maintains(action)
}

func (w *wrapped) Maintain(ctx context.Context, m store.Maintenance) error {
	maintainer, err := store.Need[store.Maintainer](w.Store)
	if err != nil {
		return err
	}
	return w.handle(ctx, maintainCall, unary(func(ctx context.Context) error { return maintainer.Maintain(ctx, m) }))
}

func (w *wrapped) Inspect(ctx context.Context) (found store.Inspection, err error) {
	inspector, err := store.Need[store.Inspector](w.Store)
	if err != nil {
		return store.Inspection{}, err
	}
	err = w.handle(ctx, inspectCall, unary(func(ctx context.Context) (err error) {
		found, err = inspector.Inspect(ctx)
		return err
	}))
	return found, err
}

func (w *wrapped) RunSQL(ctx context.Context, q store.SQLQuery) (store.SQLAnswer, error) {
	runner, err := store.Need[store.SQLRunner](w.Store)
	if err != nil {
		return store.SQLAnswer{}, err
	}
	return through(ctx, w.handle, sqlCall, runner.RunSQL, q)
}

func (w *wrapped) Publish(ctx context.Context, channel string, payload []byte) error {
	channels, err := store.Need[store.PubSub](w.Store)
	if err != nil {
		return err
	}
	return w.handle(ctx, publishCall, unary(func(ctx context.Context) error { return channels.Publish(ctx, channel, payload) }))
}

// Subscribe is a call until the subscription is in effect; what comes of it then is
// nobody's call.
func (w *wrapped) Subscribe(ctx context.Context, pattern string) (store.Subscription, error) {
	channels, err := store.Need[store.PubSub](w.Store)
	if err != nil {
		return nil, err
	}
	return through(ctx, w.handle, subscribeCall, channels.Subscribe, pattern)
}

func (w *wrapped) Look(ctx context.Context, space string, ref store.Ref, lease time.Duration) (store.Copy, store.Sight, error) {
	cacher, err := store.Need[store.Cacher](w.Store)
	if err != nil {
		return store.Copy{}, store.Nothing, err
	}
	look := look{cacher: cacher, space: space, ref: ref, lease: lease}
	err = w.handle(ctx, lookCall, &look)
	return look.copy, look.sight, err
}

// look is a Look and what was seen.
type look struct {
	cacher store.Cacher
	space  string
	ref    store.Ref
	lease  time.Duration

	copy  store.Copy
	sight store.Sight
}

// Do looks.
func (l *look) Do(ctx context.Context) (err error) {
	l.copy, l.sight, err = l.cacher.Look(ctx, l.space, l.ref, l.lease)
	return err
}

func (w *wrapped) Keep(ctx context.Context, space string, copies []store.Copy) error {
	cacher, err := store.Need[store.Cacher](w.Store)
	if err != nil {
		return err
	}
	return w.handle(ctx, keepCall, unary(func(ctx context.Context) error { return cacher.Keep(ctx, space, copies) }))
}

func (w *wrapped) Drop(ctx context.Context, space string) error {
	cacher, err := store.Need[store.Cacher](w.Store)
	if err != nil {
		return err
	}
	return w.handle(ctx, dropCall, unary(func(ctx context.Context) error { return cacher.Drop(ctx, space) }))
}
