package boltstore

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// Changes reads a page of the feed. Where there is nothing yet and the caller
// waits, it goes on from where it has looked already, and is woken by commits.
func (s *Store) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	if err := c.Validate(s.options.Limits); err != nil {
		return store.Feed{}, err
	}
	after, began, known, err := s.position(c.Since)
	if err != nil {
		return store.Feed{}, err
	}
	if !known {
		return store.Feed{}, compacted()
	}
	reader := feedReader{s: s, asked: c, limit: c.PageLimit(s.options.Limits), fromStart: c.Since == "", began: began}
	var timeout <-chan time.Time
	if c.Wait > 0 {
		timer := time.NewTimer(c.Wait)
		defer timer.Stop()
		timeout = timer.C
	}
	for {
		if ctx.Err() != nil {
			return store.Feed{}, s.ended(ctx)
		}
		changed := s.feed.next(c.Table)
		feed, last, err := reader.read(ctx, after)
		if err != nil || len(feed.Changes) > 0 || timeout == nil {
			return feed, err
		}
		after, reader.fromStart = last, false
		select {
		case <-changed:
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
	began     int64 // the feed's last sequence when the reader began at its beginning, 0 where it is not known
}

// read gives the page after a sequence, and the last sequence it looked at.
func (f *feedReader) read(ctx context.Context, after int64) (feed store.Feed, last int64, err error) {
	err = f.s.view(func(tx *bolt.Tx) error {
		state, err := f.s.stateIn(tx)
		if err != nil {
			return err
		}
		if err := f.check(tx, after, state); err != nil {
			return err
		}
		if f.fromStart && f.asked.FromNow {
			after = state.sequence
		}
		feed = store.Feed{Horizon: horizonAfter(state.sequence), Now: time.UnixMicro(f.s.clock.micros()).UTC()}
		merge, err := f.open(tx, after)
		if err != nil {
			return err
		}
		last, err = f.fill(ctx, tx, merge, &feed, state.sequence)
		return err
	})
	if err != nil {
		return store.Feed{}, 0, err
	}
	feed.Next = f.s.cursorSince(last, f.began)
	return feed, last, nil
}

// check refuses a place from which deletions have been forgotten since, and
// one that lies ahead: this file is then an older copy.
func (f *feedReader) check(tx *bolt.Tx, after int64, state fileState) error {
	if f.fromStart {
		f.began = state.sequence
		return nil
	}
	reach := max(after, f.began)
	if reach > state.sequence {
		return compacted()
	}
	if f.asked.Table != "" {
		t, err := readTable(tx, f.asked.Table)
		if err == nil && reach < t.compacted {
			err = compacted()
		}
		return err
	}
	return tx.Bucket(tablesBucket).ForEach(func(_, b []byte) error {
		t, err := decodeTableState(b)
		if err == nil && reach < t.compacted {
			err = compacted()
		}
		return err
	})
}

// open sets a cursor into the order of change of each table that is asked for.
func (f *feedReader) open(tx *bolt.Tx, after int64) (*changeMerge, error) {
	merge := &changeMerge{}
	if f.asked.Table != "" {
		return merge, merge.add(tx, f.asked.Table, after)
	}
	err := tx.Bucket(tablesBucket).ForEach(func(name, _ []byte) error {
		return merge.add(tx, string(name), after)
	})
	return merge, err
}

// fill takes changes until the page is full. It gives the last sequence that
// the next page need not look at: past what the prefix left out, and, where
// there is nothing more, past what other tables hold.
func (f *feedReader) fill(ctx context.Context, tx *bolt.Tx, merge *changeMerge, feed *store.Feed, end int64) (last int64, err error) {
	pace := f.s.pace(ctx)
	for {
		c, found, err := merge.next()
		if err != nil {
			return 0, err
		}
		if !found {
			return end, nil
		}
		if pace.ended() {
			return 0, pace.err()
		}
		if !bytes.HasPrefix(c.key, []byte(f.asked.Prefix)) {
			last = c.sequence
			continue
		}
		ref := store.Ref{Table: c.table, Key: string(c.key)}
		r, found, err := loadRecord(tx, ref)
		if err != nil {
			return 0, err
		}
		if !c.isLatest(&r, found) {
			last = c.sequence
			continue
		}
		if len(feed.Changes) == f.limit {
			feed.More = true
			return last, nil
		}
		e := r.entry(ref)
		if f.asked.KeysOnly {
			e = e.WithoutValue()
		}
		e.Value.Data = bytes.Clone(e.Value.Data)
		feed.Changes = append(feed.Changes, store.Change{Entry: e, Cursor: f.s.cursorSince(c.sequence, f.began)})
		last = c.sequence
	}
}
