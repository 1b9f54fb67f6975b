package router

import (
	"context"

	"larder/internal/store"
)

// Search implements [store.Searcher].
func (r *Router) Search(ctx context.Context, q store.Query) (store.Found, error) {
	ls, err := r.enterFor(ctx, q.Table)
	if err != nil {
		return store.Found{}, err
	}
	defer ls.leave()
	l := ls.of(q.Table)
	found, err := store.Forward{Store: l.Store}.Search(ctx, q)
	found.Source.By = l.Route.Primary()
	return found, err
}

// Count implements [store.Searcher].
func (r *Router) Count(ctx context.Context, q store.Query) (store.Counted, error) {
	ls, err := r.enterFor(ctx, q.Table)
	if err != nil {
		return store.Counted{}, err
	}
	defer ls.leave()
	l := ls.of(q.Table)
	counted, err := store.Forward{Store: l.Store}.Count(ctx, q)
	counted.Source.By = l.Route.Primary()
	return counted, err
}

// Indexes implements [store.Indexer].
func (r *Router) Indexes(ctx context.Context, table string) ([]store.Index, error) {
	ls, err := r.enterFor(ctx, table)
	if err != nil {
		return nil, err
	}
	defer ls.leave()
	return store.Forward{Store: ls.of(table).Store}.Indexes(ctx, table)
}

// PutIndex implements [store.Indexer].
func (r *Router) PutIndex(ctx context.Context, table string, def store.Index) (bool, error) {
	ls, err := r.enterToWrite(ctx, table)
	if err != nil {
		return false, err
	}
	defer ls.leave()
	return store.Forward{Store: ls.of(table).Store}.PutIndex(ctx, table, def)
}

// DropIndex implements [store.Indexer].
func (r *Router) DropIndex(ctx context.Context, table, name string) error {
	ls, err := r.enterToWrite(ctx, table)
	if err != nil {
		return err
	}
	defer ls.leave()
	return store.Forward{Store: ls.of(table).Store}.DropIndex(ctx, table, name)
}

// Maintains says whether any strategy knows the action.
func (r *Router) Maintains(action store.Action) bool {
	ls, err := r.enter()
	if err != nil {
		return false
	}
	defer ls.leave()
	for l := range ls.each {
		if (store.Forward{Store: l.Store}).Maintains(action) {
			return true
		}
	}
	return false
}

// Maintain does the action for a table by its strategy, or by every strategy that knows
// it, up to the first that fails.
func (r *Router) Maintain(ctx context.Context, m store.Maintenance) error {
	ls, err := r.enter()
	if err != nil {
		return err
	}
	defer ls.leave()
	if m.Table != "" {
		return store.Forward{Store: ls.of(m.Table).Store}.Maintain(ctx, m)
	}
	done := map[store.Store]bool{}
	for l := range ls.each {
		by := store.Forward{Store: l.Store}
		about := l.Primary // a file is compacted once, whatever strategies it serves
		if m.Action == store.Flush {
			about = l.Store
		}
		if done[about] || !by.Maintains(m.Action) {
			continue
		}
		done[about] = true
		if err := by.Maintain(ctx, m); err != nil {
			return err
		}
	}
	if len(done) == 0 {
		return &store.Error{Code: store.Unsupported, Backend: r.info.Name, Field: "action", Detail: "no backend knows this action"}
	}
	return nil
}

// first finds a primary that can do something, the system's before others.
func first[C any](ls *lanes) store.Forward {
	if _, ok := store.As[C](ls.system.Primary); ok {
		return store.Forward{Store: ls.system.Primary}
	}
	for _, l := range ls.primaries() {
		if _, ok := store.As[C](l.Primary); ok {
			return store.Forward{Store: l.Primary}
		}
	}
	return store.Forward{Store: ls.system.Primary}
}

// RunSQL has the first primary run it that can: the system's, or in the order of routes.
func (r *Router) RunSQL(ctx context.Context, q store.SQLQuery) (store.SQLAnswer, error) {
	ls, err := r.enterToRunSQL(ctx, q)
	if err != nil {
		return store.SQLAnswer{}, err
	}
	defer ls.leave()
	return first[store.SQLRunner](ls).RunSQL(ctx, q)
}

// Publish sends by the first primary that has messages.
func (r *Router) Publish(ctx context.Context, channel string, payload []byte) error {
	ls, err := r.enter()
	if err != nil {
		return err
	}
	defer ls.leave()
	return first[store.PubSub](ls).Publish(ctx, channel, payload)
}

// Subscribe subscribes at the first primary that has messages.
func (r *Router) Subscribe(ctx context.Context, pattern string) (store.Subscription, error) {
	ls, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer ls.leave()
	return first[store.PubSub](ls).Subscribe(ctx, pattern)
}

// Inspect tells about the member that system tables are in.
func (r *Router) Inspect(ctx context.Context) (store.Inspection, error) {
	ls, err := r.enter()
	if err != nil {
		return store.Inspection{}, err
	}
	defer ls.leave()
	return store.Forward{Store: ls.system.Primary}.Inspect(ctx)
}
