package pgstore

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// Changes reads a page of the feed. Where there is nothing yet and the caller
// waits, it is the tailer that looks for more (see tailer.go).
//
// What this store has committed itself is in the page, unless another
// transaction in the database is older and stays open for long.
func (s *Store) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if err := c.Validate(s.options.Limits); err != nil {
		return store.Feed{}, err
	}
	reader := feedReader{s: s, asked: &c, limit: c.PageLimit(s.options.Limits)}
	if c.FromNow {
		reader.from.xid = math.MaxInt64 // more than there will ever be
	}
	if c.Since != "" {
		var err error
		if reader.from, err = parseCursor(c.Since); err != nil {
			return store.Feed{}, err
		}
	}
	var timeout <-chan time.Time
	if c.Wait > 0 {
		timer := time.NewTimer(c.Wait)
		defer timer.Stop()
		timeout = timer.C
	}
	feed, err := reader.settled(ctx)
	for err == nil && len(feed.Changes) == 0 && timeout != nil {
		w := s.tailer.watch(c.Table, c.Prefix, reader.from.xid)
		select {
		case <-w.woken:
			feed, err = reader.read(ctx)
			continue
		case <-timeout:
			reader.from.xid, reader.from.sequence = s.tailer.leave(w), 0
			feed.Next = reader.from.cursor()
			return feed, nil
		case <-ctx.Done():
			err = s.ended(ctx)
		case <-s.lifetime.Done():
			err = s.closed()
		}
		s.tailer.leave(w)
	}
	if err != nil {
		return store.Feed{}, err
	}
	return feed, nil
}

// feedReader reads pages of the feed, each from where the one before ended.
type feedReader struct {
	s     *Store
	asked *store.Changes
	limit int
	from  place // without an id: the beginning
}

// settled reads a page in which this store's own commits are.
func (f *feedReader) settled(ctx context.Context) (store.Feed, error) {
	own, from := f.s.tailer.own.Load(), f.from
	feed, err := f.read(ctx)
	if err != nil || f.asked.Early || f.asked.FromNow || feed.More || uint64(feed.Horizon) > own {
		return feed, err
	}
	passed, err := f.s.awaitHorizon(ctx, own, uint64(feed.Horizon))
	if err != nil || !passed {
		return feed, err
	}
	f.from = from
	return f.read(ctx)
}

// read gives the next page, and moves on past it.
func (f *feedReader) read(ctx context.Context) (store.Feed, error) {
	sql, args := f.statement()
	page := feedPage{from: f.from}
	if err := f.s.query(ctx, sql, args, page.take); err != nil {
		return store.Feed{}, err
	}
	feed := store.Feed{Horizon: store.Horizon(page.horizon), Now: page.now, Incarnation: page.started}
	slices.SortFunc(page.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.xid, b.xid), cmp.Compare(a.sequence, b.sequence))
	})
	if feed.More = len(page.rows) > f.limit; feed.More {
		page.rows = page.rows[:f.limit]
	}
	f.from = page.from
	for i := range page.rows {
		f.from = f.from.after(&page.rows[i])
		feed.Changes = append(feed.Changes, store.Change{Entry: page.rows[i].Entry, Cursor: f.from.cursor()})
	}
	if !feed.More {
		f.from.xid, f.from.sequence = page.horizon, 0
	}
	feed.Next = f.from.cursor()
	return feed, nil
}

// statement is what to ask for the next page.
func (f *feedReader) statement() (sql string, args []any) {
	args = []any{f.asked.Table, f.from.xid, f.from.sequence, f.limit + 1, f.asked.Prefix, f.asked.Early, f.s.now()}
	switch q := &f.s.readSQL; {
	case f.asked.Table != "" && f.asked.KeysOnly:
		return q.feedKeys, args
	case f.asked.Table != "":
		return q.feed, args
	case f.asked.KeysOnly:
		return q.feedOfAllKeys, args[1:]
	default:
		return q.feedOfAll, args[1:]
	}
}

// feedPage is what the statement gave.
type feedPage struct {
	from    place
	horizon uint64
	now     time.Time
	started uint64 // the server, in µs
	rows    []row
}

// feedColumns come before those of the entry.
const feedColumns = 6

func (p *feedPage) take(rows pgx.Rows) error {
	raw := rows.RawValues()
	if p.horizon == 0 {
		p.horizon, p.now, p.started = uint64Of(raw[0]), timeOf(raw[4]), uint64Of(raw[5])
		if err := p.check(uint64Of(raw[1]), string(raw[2]), uint64Of(raw[3])); err != nil {
			return err
		}
	}
	if raw[feedColumns] == nil {
		return nil
	}
	r, err := decodeRow(raw[feedColumns:])
	p.rows = append(p.rows, r)
	return err
}

// check refuses a place in another storage, one from which deletions have been
// forgotten since, and one that lies ahead: this server is then an older copy.
func (p *feedPage) check(ends uint64, id string, forgotten uint64) error {
	switch {
	case p.from.id == "":
		p.from.id, p.from.began = id, p.horizon
		return nil
	case p.from.id != id, p.from.seen() > ends:
		return compacted()
	case forgotten > 0 && p.from.seen() <= forgotten:
		return compacted()
	}
	return nil
}
