package redisstore

import (
	"context"
	"math"
	"time"

	"larder/internal/store"
)

// Changes reads a page of the feed. Where there is nothing yet and the caller
// waits, it goes on from where it has looked already, and is woken by the tailer.
func (s *Store) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if err := c.Validate(s.options.Limits); err != nil {
		return store.Feed{}, err
	}
	reader := feedReader{s: s, asked: c, limit: c.PageLimit(s.options.Limits), fromStart: c.Since == ""}
	if c.FromNow {
		reader.after.sequence = math.MaxInt64 // more than there will ever be
	}
	if c.Since != "" {
		var err error
		if reader.id, reader.after, reader.began, err = parseCursor(c.Since); err != nil {
			return store.Feed{}, err
		}
	}
	var timeout <-chan time.Time
	if c.Wait > 0 {
		timer := time.NewTimer(c.Wait)
		defer timer.Stop()
		timeout = timer.C
		w := s.tailer.watch(c.Table, c.Prefix)
		defer s.tailer.leave(w)
		reader.watcher = w
	}
	for {
		l, err := s.enter(ctx)
		if err != nil {
			return store.Feed{}, err
		}
		feed, err := reader.read(ctx, l)
		if err != nil || len(feed.Changes) > 0 || timeout == nil {
			return feed, err
		}
		select {
		case <-reader.watcher.woken:
		case <-timeout:
			return feed, nil
		case <-ctx.Done():
			return store.Feed{}, s.ended(ctx)
		case <-s.lifetime.Done():
			return store.Feed{}, s.closed()
		}
	}
}

// feedReader reads pages of the feed.
type feedReader struct {
	s         *Store
	asked     store.Changes
	limit     int
	fromStart bool
	id        string // of the store, "" where it is not known yet
	after     place
	began     int64 // the feed's last sequence when the reader began at its beginning, 0 where it is not known
	watcher   *watcher
}

// read gives the page after where the reader stands, and has it stand behind it.
func (f *feedReader) read(ctx context.Context, l *link) (store.Feed, error) {
	var feed store.Feed
	for {
		stretch, err := f.s.stretch(ctx, l, stretchOf{
			table: f.asked.Table, prefix: f.asked.Prefix, after: f.after, most: f.limit + 1 - len(feed.Changes),
			heads: f.asked.KeysOnly,
		})
		if err != nil {
			return store.Feed{}, err
		}
		if err := f.check(stretch); err != nil {
			return store.Feed{}, err
		}
		feed.Horizon, feed.Now = store.Horizon(stretch.last+1), timeFromMicros(stretch.now)
		for i := range stretch.changes {
			x := &stretch.changes[i]
			if len(feed.Changes) == f.limit {
				feed.More = true
				feed.Next = cursorSince(f.id, f.after, f.began)
				return feed, nil
			}
			e, err := x.record.entry(x.ref)
			if err != nil {
				return store.Feed{}, f.s.damage(err)
			}
			f.after = x.place
			feed.Changes = append(feed.Changes, store.Change{Entry: e, Cursor: cursorSince(f.id, x.place, f.began)})
		}
		f.after = stretch.upTo
		if stretch.whole {
			feed.Next = cursorSince(f.id, f.after, f.began)
			return feed, nil
		}
	}
}

// check refuses a place in another store, one from which deletions have been
// forgotten since, and one that lies ahead: this is then an older copy.
func (f *feedReader) check(stretch *stretch) error {
	if f.id == "" {
		f.id = stretch.id
	}
	if f.fromStart {
		f.fromStart, f.began = false, stretch.last
		return nil
	}
	if reach := max(f.after.sequence, f.began); f.id != stretch.id || reach > stretch.last || reach < stretch.forgotten {
		return compacted()
	}
	return nil
}
