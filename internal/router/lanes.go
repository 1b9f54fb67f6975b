package router

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"larder/internal/store"
)

// Lane is a strategy for the tables of a route.
type Lane struct {
	Route   Route
	Store   store.Store // the strategy
	Primary store.Store // the member that decides

	// Follower is told what the strategy did not write itself. nil: Store, if it is one.
	Follower Follower
}

func (l *Lane) follower() (Follower, bool) {
	if l.Follower != nil {
		return l.Follower, true
	}
	f, follows := l.Store.(Follower)
	return f, follows
}

// Follower is a strategy that wants to know what was written to its primary by a batch
// over tables of several strategies. The results are those of its own tables.
type Follower interface {
	Committed(results []store.Result)
}

// lanes are all that the router sends calls to, at a time.
type lanes struct {
	all      []Lane
	exact    map[string]*Lane
	prefixes []*Lane // the longest first; the last is of all tables
	system   *Lane
	holds    []Hold

	capabilities []store.Capability

	calls   atomic.Int64
	waiting atomic.Int64 // of them, those that wait for changes
	retired atomic.Bool
	over    context.Context //nolint:containedctx // done when there are other lanes, for who waits within a call
	stop    context.CancelFunc
	idle    chan struct{} // holds one thing once the last call has ended
}

func newLanes(all []Lane, holds []Hold, system *system) *lanes {
	primary := system.current()
	ls := &lanes{all: slices.Clone(all), exact: make(map[string]*Lane), holds: holds, idle: make(chan struct{}, 1)}
	ls.over, ls.stop = context.WithCancel(context.Background())
	ls.system = &Lane{
		Route: Route{Pattern: store.SystemPrefix + "*", Strategy: PrimaryOnly, Members: []string{primary.Info().Name}},
		Store: system, Primary: primary,
	}
	for i := range ls.all {
		l := &ls.all[i]
		if strings.HasSuffix(l.Route.Pattern, "*") {
			ls.prefixes = append(ls.prefixes, l)
		} else {
			ls.exact[l.Route.Pattern] = l
		}
	}
	slices.SortFunc(ls.prefixes, func(a, b *Lane) int { return cmp.Compare(len(b.Route.Pattern), len(a.Route.Pattern)) })
	ls.capabilities = ls.able()
	return ls
}

// able are the capabilities that any of the stores has, but for those that are a member's
// own.
func (ls *lanes) able() []store.Capability {
	var all []store.Capability
	for l := range ls.each {
		for _, s := range []store.Store{l.Store, l.Primary} {
			for _, c := range s.Info().Capabilities {
				if c != store.CanCache && c != store.CanSnapshot && !slices.Contains(all, c) {
					all = append(all, c)
				}
			}
		}
	}
	return all
}

// of finds the lane of a table.
func (ls *lanes) of(table string) *Lane {
	if store.IsSystem(table) {
		return ls.system
	}
	if len(ls.exact) > 0 {
		if l, found := ls.exact[table]; found {
			return l
		}
	}
	for _, l := range ls.prefixes {
		if strings.HasPrefix(table, l.Route.Pattern[:len(l.Route.Pattern)-1]) {
			return l
		}
	}
	return ls.system // never: a pattern takes all
}

// each gives every lane, the system's last.
func (ls *lanes) each(yield func(*Lane) bool) {
	for i := range ls.all {
		if !yield(&ls.all[i]) {
			return
		}
	}
	yield(ls.system)
}

// primaries gives a lane for every primary, each once.
func (ls *lanes) primaries() []*Lane {
	var all []*Lane
	for l := range ls.each {
		if !slices.ContainsFunc(all, func(other *Lane) bool { return other.Primary == l.Primary }) {
			all = append(all, l)
		}
	}
	return all
}

// tablesIn lists the tables of a primary that are routed to it.
func (ls *lanes) tablesIn(ctx context.Context, primary store.Store) ([]store.TableInfo, error) {
	tables, err := primary.Tables(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(tables, func(t store.TableInfo) bool { return ls.of(t.Name).Primary != primary }), nil
}

// enter begins a call, unless these lanes are no longer those to use.
func (ls *lanes) enter() bool {
	ls.calls.Add(1)
	if ls.retired.Load() {
		ls.leave()
		return false
	}
	return true
}

func (ls *lanes) leave() {
	if ls.calls.Add(-1) == 0 && ls.retired.Load() {
		select {
		case ls.idle <- struct{}{}:
		default:
		}
	}
}

// end lets no new calls in, once.
func (ls *lanes) end() {
	ls.retired.Store(true)
	ls.stop()
}

// retire waits for the calls under way, after the end.
func (ls *lanes) retire() {
	for ls.calls.Load() != 0 {
		<-ls.idle
	}
}
