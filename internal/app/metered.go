package app

import (
	"context"
	"io"
	"time"

	"larder/internal/store"
	"larder/internal/telemetry"
)

// metered counts and times the calls to a store. It has the methods of every
// capability; store.As offers those that the store has.
type metered struct {
	store.Store

	get, apply, scan, changes, install, tables, ping *telemetry.Call
	search, count                                    *telemetry.Call
	indexes, putIndex, dropIndex                     *telemetry.Call
	snapshot, maintain, inspect, sql                 *telemetry.Call
	publish, subscribe                               *telemetry.Call
	look, keep, drop                                 *telemetry.Call
}

var (
	_ store.Store       = (*metered)(nil)
	_ store.Searcher    = (*metered)(nil)
	_ store.Indexer     = (*metered)(nil)
	_ store.Snapshotter = (*metered)(nil)
	_ store.Maintainer  = (*metered)(nil)
	_ store.Inspector   = (*metered)(nil)
	_ store.SQLRunner   = (*metered)(nil)
	_ store.PubSub      = (*metered)(nil)
	_ store.Cacher      = (*metered)(nil)
)

func newMetered(s store.Store, calls *telemetry.Calls) *metered {
	call := func(name string) *telemetry.Call { return calls.Call(s.Info().Name, name) }
	return &metered{
		Store: s,
		get:   call("get"), apply: call("apply"), scan: call("scan"), changes: call("changes"),
		install: call("install"), tables: call("tables"), ping: call("ping"),
		search: call("search"), count: call("count"),
		indexes: call("indexes"), putIndex: call("put_index"), dropIndex: call("drop_index"),
		snapshot: call("snapshot"), maintain: call("maintain"), inspect: call("inspect"),
		sql: call("sql"), publish: call("publish"), subscribe: call("subscribe"),
		look: call("look"), keep: call("keep"), drop: call("drop"),
	}
}

// observe counts a call that has returned.
func observe(c *telemetry.Call, began time.Time, err error) {
	c.Observe(time.Since(began), err != nil && store.CodeOf(err).Fault() == store.ServersFault)
}

// timed makes a call and counts it.
func timed[A, R any](ctx context.Context, c *telemetry.Call, call func(context.Context, A) (R, error), argument A) (R, error) {
	began := time.Now()
	result, err := call(ctx, argument)
	observe(c, began, err)
	return result, err
}

func (m *metered) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	began := time.Now()
	read, err := m.Store.Get(ctx, refs)
	observe(m.get, began, err)
	return read, err
}

func (m *metered) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	return timed(ctx, m.apply, m.Store.Apply, b)
}

func (m *metered) Scan(ctx context.Context, s store.Scan) (store.Page, error) {
	return timed(ctx, m.scan, m.Store.Scan, s)
}

// Changes times what does not wait for changes; waiting is nobody's latency.
func (m *metered) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if c.Wait > 0 {
		return m.Store.Changes(ctx, c)
	}
	return timed(ctx, m.changes, m.Store.Changes, c)
}

func (m *metered) Install(ctx context.Context, entries []store.Entry) error {
	began := time.Now()
	err := m.Store.Install(ctx, entries)
	observe(m.install, began, err)
	return err
}

func (m *metered) Tables(ctx context.Context) ([]store.TableInfo, error) {
	began := time.Now()
	tables, err := m.Store.Tables(ctx)
	observe(m.tables, began, err)
	return tables, err
}

func (m *metered) Ping(ctx context.Context) error {
	began := time.Now()
	err := m.Store.Ping(ctx)
	observe(m.ping, began, err)
	return err
}

func (m *metered) Search(ctx context.Context, q store.Query) (store.Found, error) {
	searcher, err := store.Need[store.Searcher](m.Store)
	if err != nil {
		return store.Found{}, err
	}
	return timed(ctx, m.search, searcher.Search, q)
}

func (m *metered) Count(ctx context.Context, q store.Query) (store.Counted, error) {
	searcher, err := store.Need[store.Searcher](m.Store)
	if err != nil {
		return store.Counted{}, err
	}
	return timed(ctx, m.count, searcher.Count, q)
}

func (m *metered) Indexes(ctx context.Context, table string) ([]store.Index, error) {
	indexer, err := store.Need[store.Indexer](m.Store)
	if err != nil {
		return nil, err
	}
	return timed(ctx, m.indexes, indexer.Indexes, table)
}

func (m *metered) PutIndex(ctx context.Context, table string, def store.Index) (bool, error) {
	indexer, err := store.Need[store.Indexer](m.Store)
	if err != nil {
		return false, err
	}
	began := time.Now()
	made, err := indexer.PutIndex(ctx, table, def)
	observe(m.putIndex, began, err)
	return made, err
}

func (m *metered) DropIndex(ctx context.Context, table, name string) error {
	indexer, err := store.Need[store.Indexer](m.Store)
	if err != nil {
		return err
	}
	began := time.Now()
	err = indexer.DropIndex(ctx, table, name)
	observe(m.dropIndex, began, err)
	return err
}

func (m *metered) Snapshot(ctx context.Context, w io.Writer) (int64, error) {
	snapshotter, err := store.Need[store.Snapshotter](m.Store)
	if err != nil {
		return 0, err
	}
	return timed(ctx, m.snapshot, snapshotter.Snapshot, w)
}

func (m *metered) Maintain(ctx context.Context, work store.Maintenance) error {
	maintainer, err := store.Need[store.Maintainer](m.Store)
	if err != nil {
		return err
	}
	began := time.Now()
	err = maintainer.Maintain(ctx, work)
	observe(m.maintain, began, err)
	return err
}

func (m *metered) Maintains(action store.Action) bool {
	maintainer, err := store.Need[store.Maintainer](m.Store)
	return err == nil && maintainer.Maintains(action)
}

func (m *metered) Inspect(ctx context.Context) (store.Inspection, error) {
	inspector, err := store.Need[store.Inspector](m.Store)
	if err != nil {
		return store.Inspection{}, err
	}
	began := time.Now()
	found, err := inspector.Inspect(ctx)
	observe(m.inspect, began, err)
	return found, err
}

func (m *metered) RunSQL(ctx context.Context, q store.SQLQuery) (store.SQLAnswer, error) {
	runner, err := store.Need[store.SQLRunner](m.Store)
	if err != nil {
		return store.SQLAnswer{}, err
	}
	return timed(ctx, m.sql, runner.RunSQL, q)
}

func (m *metered) Publish(ctx context.Context, channel string, payload []byte) error {
	channels, err := store.Need[store.PubSub](m.Store)
	if err != nil {
		return err
	}
	began := time.Now()
	err = channels.Publish(ctx, channel, payload)
	observe(m.publish, began, err)
	return err
}

// Subscribe times how long it takes until a subscription is in effect; what
// comes of it then is nobody's call.
func (m *metered) Subscribe(ctx context.Context, pattern string) (store.Subscription, error) {
	channels, err := store.Need[store.PubSub](m.Store)
	if err != nil {
		return nil, err
	}
	return timed(ctx, m.subscribe, channels.Subscribe, pattern)
}

// Look counts as a call, whatever is seen.
func (m *metered) Look(ctx context.Context, space string, ref store.Ref, lease time.Duration) (store.Copy, store.Sight, error) {
	cacher, err := store.Need[store.Cacher](m.Store)
	if err != nil {
		return store.Copy{}, store.Nothing, err
	}
	began := time.Now()
	c, sight, err := cacher.Look(ctx, space, ref, lease)
	observe(m.look, began, err)
	return c, sight, err
}

func (m *metered) Keep(ctx context.Context, space string, copies []store.Copy) error {
	cacher, err := store.Need[store.Cacher](m.Store)
	if err != nil {
		return err
	}
	began := time.Now()
	err = cacher.Keep(ctx, space, copies)
	observe(m.keep, began, err)
	return err
}

func (m *metered) Drop(ctx context.Context, space string) error {
	cacher, err := store.Need[store.Cacher](m.Store)
	if err != nil {
		return err
	}
	began := time.Now()
	err = cacher.Drop(ctx, space)
	observe(m.drop, began, err)
	return err
}
