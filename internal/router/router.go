package router

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"larder/internal/store"
)

// Options set a Router up. All are required.
type Options struct {
	Info   store.Info  // what is told of the whole, but for its capabilities
	System store.Store // the member that system tables are in
	Lanes  []Lane      // by routes that Validate has nothing against
}

// Router is a store over strategies.
type Router struct {
	info   store.Info
	system *system
	now    atomic.Pointer[lanes]

	swap    sync.Mutex
	settled chan struct{} // closed once the lanes retired last, and those before, are done with; nil: there were none
	retires sync.WaitGroup
	mu      sync.Mutex
	errs    []error  // of strategies that were closed
	leaving []*lanes // in which calls may be under way that began before the last swap
}

var (
	_ store.Store      = (*Router)(nil)
	_ store.Searcher   = (*Router)(nil)
	_ store.Indexer    = (*Router)(nil)
	_ store.Maintainer = (*Router)(nil)
	_ store.SQLRunner  = (*Router)(nil)
	_ store.PubSub     = (*Router)(nil)
	_ store.Inspector  = (*Router)(nil)
)

// New makes a router. It closes the strategies, but no member.
func New(o Options) (*Router, error) {
	if o.System == nil || len(o.Lanes) == 0 {
		return nil, errors.New("router: a system store and a route are missing")
	}
	r := &Router{info: o.Info, system: newSystem(o.System)}
	r.now.Store(newLanes(o.Lanes, nil, r.system))
	return r, nil
}

// Routes are the routes at this time.
func (r *Router) Routes() Routes {
	ls := r.now.Load()
	routes := make(Routes, len(ls.all))
	for i := range ls.all {
		routes[i] = ls.all[i].Route
	}
	return routes
}

// RouteOf is the route of a table.
func (r *Router) RouteOf(table string) Route { return r.now.Load().of(table).Route }

// SetSystem has another member hold the system tables from now on. Their feeds end with
// Compacted for whoever follows them.
func (r *Router) SetSystem(s store.Store) {
	r.swap.Lock()
	defer r.swap.Unlock()
	r.system.set(s)
	now := r.now.Load()
	r.swapTo(now.all, now.holds)
}

// Swap has all calls that begin from now on go by other lanes. Those under way end as
// they began. A strategy that is in the new lanes too goes on; the others are closed once
// their last call has ended, which Swap does not wait for. Until the next Swap the holds
// are kept to.
func (r *Router) Swap(next []Lane, holds ...Hold) {
	r.swap.Lock()
	defer r.swap.Unlock()
	r.swapTo(next, holds)
}

// swapTo does so for one who holds swap.
func (r *Router) swapTo(next []Lane, holds []Hold) {
	ls := newLanes(next, holds, r.system)
	old := r.now.Swap(ls)
	old.end()
	r.mu.Lock()
	r.forgetSettled()
	r.leaving = append(r.leaving, old)
	r.mu.Unlock()
	before, settled := r.settled, make(chan struct{})
	r.settled = settled
	r.retires.Go(func() {
		defer close(settled)
		old.retire()
		r.close(old, ls)
		if before != nil {
			<-before
		}
	})
}

// Settle waits until all calls by earlier lanes have ended, and the strategies are closed
// that are in them alone.
func (r *Router) Settle() {
	r.swap.Lock()
	settled := r.settled
	r.swap.Unlock()
	if settled != nil {
		<-settled
	}
}

// close closes the strategies of old lanes that are in no other.
func (r *Router) close(old, others *lanes) {
	var closed []store.Store
	for i := range old.all {
		s := old.all[i].Store
		goesOn := others != nil && slices.ContainsFunc(others.all, func(l Lane) bool { return l.Store == s })
		if goesOn || slices.Contains(closed, s) {
			continue
		}
		closed = append(closed, s)
		if err := s.Close(); err != nil {
			r.mu.Lock()
			r.errs = append(r.errs, err)
			r.mu.Unlock()
		}
	}
}

// Close waits for the calls under way and closes the strategies.
func (r *Router) Close() error {
	r.swap.Lock()
	defer r.swap.Unlock()
	r.retires.Wait()
	if old := r.now.Load(); !old.retired.Load() {
		old.end()
		old.retire()
		r.close(old, nil)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}

// enter begins a call. Whoever gets lanes has to leave them.
func (r *Router) enter() (*lanes, error) {
	for {
		ls := r.now.Load()
		if ls.enter() {
			return ls, nil
		}
		if r.now.Load() == ls {
			return nil, &store.Error{Code: store.Unavailable, Backend: r.info.Name, Detail: "the store has been closed"}
		}
	}
}

// Info implements [store.Store]. The capabilities are those that any strategy or primary has
// by the routes of this time.
func (r *Router) Info() store.Info {
	info := r.info
	info.Capabilities = r.now.Load().capabilities
	return info
}

// Ping asks all primaries.
func (r *Router) Ping(ctx context.Context) error {
	ls, err := r.enter()
	if err != nil {
		return err
	}
	defer ls.leave()
	for _, l := range ls.primaries() {
		if err := l.Primary.Ping(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Scan implements [store.Store].
func (r *Router) Scan(ctx context.Context, s store.Scan) (store.Page, error) {
	ls, err := r.enterFor(ctx, s.Table)
	if err != nil {
		return store.Page{}, err
	}
	defer ls.leave()
	l := ls.of(s.Table)
	page, err := l.Store.Scan(ctx, s)
	page.Source.By = l.Route.Primary()
	return page, err
}

// Changes implements [store.Store]. The changes of all tables can be had only where all
// have one primary: what comes first of two primaries nobody can say.
// Whoever waits for changes while the lanes are swapped goes on waiting by the new ones, so
// that nothing is held by the old ones for as long.
func (r *Router) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if c.Wait <= 0 {
		feed, _, err := r.changes(ctx, c)
		return feed, err
	}
	for until := time.Now().Add(c.Wait); ; c.Wait = max(0, time.Until(until)) {
		feed, retired, err := r.changes(ctx, c)
		if err == nil || !retired || c.Wait == 0 || ctx.Err() != nil || store.CodeOf(err) != store.Canceled {
			return feed, err
		}
	}
}

// changes asks by the lanes of this time, and says whether these were retired meanwhile.
func (r *Router) changes(ctx context.Context, c store.Changes) (feed store.Feed, retired bool, err error) {
	ls, err := r.enterFor(ctx, c.Table)
	if err != nil {
		return store.Feed{}, false, err
	}
	defer ls.leave()
	if c.Wait > 0 {
		ls.waiting.Add(1)
		defer ls.waiting.Add(-1)
		during, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(ls.over, cancel)()
		ctx = during
	}
	feed, err = ls.changes(ctx, r.info.Name, c)
	return feed, ls.retired.Load(), err
}

func (ls *lanes) changes(ctx context.Context, router string, c store.Changes) (store.Feed, error) {
	if c.Table != "" {
		return ls.of(c.Table).Store.Changes(ctx, c)
	}
	if primaries := ls.primaries(); len(primaries) > 1 {
		return store.Feed{}, &store.Error{Code: store.Unsupported, Backend: router, Field: "table", Detail: "the tables have several primaries, and no order of changes in common; ask for one table"}
	}
	return ls.system.Primary.Changes(ctx, c)
}

// Tables lists the tables of every primary that are routed to it.
func (r *Router) Tables(ctx context.Context) ([]store.TableInfo, error) {
	ls, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer ls.leave()
	var all []store.TableInfo
	for _, l := range ls.primaries() {
		tables, err := ls.tablesIn(ctx, l.Primary)
		if err != nil {
			return nil, err
		}
		all = append(all, tables...)
	}
	slices.SortFunc(all, func(a, b store.TableInfo) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// TablesReached lists the tables of every primary that can be reached, and names the others.
// It fails where none can.
func (r *Router) TablesReached(ctx context.Context) (all []store.TableInfo, missing []string, err error) {
	ls, err := r.enter()
	if err != nil {
		return nil, nil, err
	}
	defer ls.leave()
	primaries := ls.primaries()
	var first error
	for _, l := range primaries {
		tables, err := ls.tablesIn(ctx, l.Primary)
		switch code := store.CodeOf(err); {
		case err == nil:
			all = append(all, tables...)
		case ctx.Err() != nil || code != store.Unavailable && code != store.Timeout && code != store.BackendFenced:
			return nil, nil, err
		default:
			first = cmp.Or(first, err)
			missing = append(missing, l.Route.Primary())
		}
	}
	if len(missing) == len(primaries) {
		return nil, nil, first
	}
	slices.Sort(missing)
	slices.SortFunc(all, func(a, b store.TableInfo) int { return strings.Compare(a.Name, b.Name) })
	return all, missing, nil
}

// TablesBeside lists the tables that are in the same primary as a table, which is the only
// one that is asked.
func (r *Router) TablesBeside(ctx context.Context, table string) ([]store.TableInfo, error) {
	ls, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer ls.leave()
	return ls.tablesIn(ctx, ls.of(table).Primary)
}
