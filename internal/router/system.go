package router

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"

	"larder/internal/store"
)

// system is the store of the system tables, which may become another one. Whoever follows
// their feed is told by Compacted to begin anew then: at once, also while waiting.
type system struct {
	store.Store // the first
	now         atomic.Pointer[reign]
}

// reign is the time of one store.
type reign struct {
	store store.Store
	count uint64
	over  context.Context //nolint:containedctx // done when another one has come
	end   context.CancelFunc
}

func newReign(s store.Store, count uint64) *reign {
	r := &reign{store: s, count: count}
	r.over, r.end = context.WithCancel(context.Background())
	return r
}

func newSystem(s store.Store) *system {
	all := &system{Store: s}
	all.now.Store(newReign(s, 0))
	return all
}

// set has another store be used. One at a time.
func (s *system) set(to store.Store) {
	was := s.now.Load()
	if was.store == to {
		return
	}
	s.now.Store(newReign(to, was.count+1))
	was.end()
}

func (s *system) current() store.Store { return s.now.Load().store }

// Close does nothing: the stores are members.
func (s *system) Close() error { return nil }

func (s *system) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	return s.current().Get(ctx, refs)
}

func (s *system) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	return s.current().Apply(ctx, b)
}

func (s *system) Scan(ctx context.Context, q store.Scan) (store.Page, error) {
	return s.current().Scan(ctx, q)
}

func (s *system) Install(ctx context.Context, entries []store.Entry) error {
	return s.current().Install(ctx, entries)
}

func (s *system) Tables(ctx context.Context) ([]store.TableInfo, error) {
	return s.current().Tables(ctx)
}

func (s *system) Ping(ctx context.Context) error { return s.current().Ping(ctx) }

// Changes has cursors say under which store they were given.
func (s *system) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	now := s.now.Load()
	if c.Since != "" {
		count, since, ok := parseReign(c.Since)
		if !ok {
			return store.Feed{}, &store.Error{Code: store.InvalidCursor, Field: "since", Detail: "that is no cursor of a system table"}
		}
		if count != now.count {
			return store.Feed{}, anotherReign()
		}
		c.Since = since
	}
	during, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(now.over, cancel)()
	feed, err := now.store.Changes(during, c)
	if s.now.Load() != now {
		return store.Feed{}, anotherReign()
	}
	if err != nil {
		return store.Feed{}, err
	}
	feed.Next = now.mark(feed.Next)
	for i := range feed.Changes {
		feed.Changes[i].Cursor = now.mark(feed.Changes[i].Cursor)
	}
	return feed, nil
}

func (r *reign) mark(c store.Cursor) store.Cursor {
	return store.Cursor(strconv.FormatUint(r.count, 36) + "." + string(c))
}

func parseReign(c store.Cursor) (count uint64, since store.Cursor, ok bool) {
	before, after, found := strings.Cut(string(c), ".")
	count, err := strconv.ParseUint(before, 36, 64)
	return count, store.Cursor(after), found && err == nil
}

func anotherReign() error {
	return &store.Error{Code: store.Compacted, Field: "since", Detail: "the system tables are in another backend now"}
}
