package redisstore

import (
	"context"
	"strconv"
	"sync"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// stretchOf asks for a stretch of the feed.
type stretchOf struct {
	table, prefix string
	after         place
	most          int  // changes, at least as many where there are
	names         bool // leave the records out, and their places with them
	heads         bool // leave their values out
}

// stretch is a part of the feed of all shards, in order.
type stretch struct {
	id        string
	last      int64 // the feed's last sequence: what comes now comes after it
	now       int64 // µs since 1970, the latest of the shards' clocks
	forgotten int64 // up to which deletions have been
	changes   []feedChange
	upTo      place // all up to there has been looked at
	whole     bool  // and that is all there is
}

// stretch reads the feed of all shards up to one common sequence. Shards that are
// behind it are brought up to it first, so that nothing can come below it any more
// (Lamport 1978, rule IR2): so one number says how far a reader has come.
func (s *Store) stretch(ctx context.Context, l *link, q stretchOf) (*stretch, error) {
	upTo, err := s.newest(ctx, l)
	if err != nil {
		return nil, err
	}
	parts := make([]stretch, len(l.shards))
	errs := make([]error, len(l.shards))
	if len(l.shards) == 1 {
		errs[0] = s.feedOf(ctx, l, &l.shards[0], &q, upTo, &parts[0], false)
	} else {
		var all sync.WaitGroup
		for i := range l.shards {
			all.Go(func() { errs[i] = s.feedOf(ctx, l, &l.shards[i], &q, upTo, &parts[i], false) })
		}
		all.Wait()
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	if len(parts) == 1 {
		return &parts[0], nil
	}
	return join(parts, upTo, len(l.shards)-1), nil
}

// join puts the shards' parts in one order, as far as all of them have been looked
// at.
func join(parts []stretch, upTo int64, lastShard int) *stretch {
	all := &stretch{last: upTo, upTo: place{upTo, lastShard}, whole: true}
	ids := make([]string, len(parts))
	for i := range parts {
		ids[i] = parts[i].id
		all.forgotten, all.now = max(all.forgotten, parts[i].forgotten), max(all.now, parts[i].now)
		if parts[i].upTo.sequence < all.upTo.sequence {
			all.upTo.sequence, all.whole = parts[i].upTo.sequence, false
		}
	}
	all.id = idOf(ids)
	for i := range parts {
		for _, x := range parts[i].changes {
			if x.place.sequence <= all.upTo.sequence {
				all.changes = append(all.changes, x)
			}
		}
	}
	sortChanges(all.changes)
	return all
}

// newest is the highest of the shards' sequences; 0 where there is one shard, which
// needs none to be told.
func (s *Store) newest(ctx context.Context, l *link) (int64, error) {
	if len(l.shards) == 1 {
		return 0, nil
	}
	reads := make(rueidis.Commands, len(l.shards))
	for i := range l.shards {
		reads[i] = l.client.B().Get().Key(l.shards[i].sequence).Build()
	}
	var newest int64
	for _, answer := range l.client.DoMulti(ctx, reads...) {
		m, err := answer.ToMessage()
		if err != nil && !rueidis.IsRedisNil(err) {
			return 0, s.refusal(ctx, err)
		}
		n, err := number(&m)
		if err != nil {
			return 0, s.damage(err)
		}
		newest = max(newest, n)
	}
	return newest, nil
}

// feedOf reads a shard's part. It has the shard be given an id where it has none.
func (s *Store) feedOf(ctx context.Context, l *link, d *shard, q *stretchOf, upTo int64, part *stretch, again bool) error {
	script, advance, shows := s.scripts.feed, "", ""
	if len(l.shards) > 1 {
		script, advance = s.scripts.advance, strconv.FormatInt(upTo, 10)
	}
	switch {
	case q.names:
		shows = "names"
	case q.heads:
		shows = "heads"
	}
	answer, err := script.Exec(ctx, l.client, []string{d.sequence, d.meta, d.tables, d.never}, []string{
		d.base, q.table, strconv.FormatInt(q.after.in(d), 10), advance,
		strconv.Itoa(min(q.most, s.options.ScriptEntries+1)), strconv.Itoa(scanBytes), q.prefix, shows, s.clock(),
	}).ToArray()
	if err != nil {
		return s.refusal(ctx, err)
	}
	if len(answer) > 0 && answer[0].IsNil() && !again { // the server has been emptied
		if _, err := s.meta(ctx, l.client, d, len(l.shards)); err != nil {
			return err
		}
		return s.feedOf(ctx, l, d, q, upTo, part, true)
	}
	s.sequence.raise(upTo)
	return s.damage(part.read(answer, d, q.names))
}

// read takes in what lua/feed.lua has given.
func (part *stretch) read(answer []rueidis.RedisMessage, d *shard, names bool) error {
	const first = 5 // of the changes
	if len(answer) < first || (len(answer)-first)%3 != 0 {
		return damagedf("a stretch of the feed is cut short")
	}
	if answer[0].IsNil() {
		return damagedf("a shard has lost its id")
	}
	var err error
	if part.id, err = answer[0].ToString(); err != nil {
		return err
	}
	for i, n := range []*int64{&part.last, &part.forgotten, &part.upTo.sequence, &part.now} {
		if *n, err = number(&answer[1+i]); err != nil {
			return err
		}
	}
	part.upTo.shard, part.whole = d.index, part.upTo.sequence >= part.last
	for i := first; i < len(answer); i += 3 {
		x := feedChange{place: place{shard: d.index}}
		if x.ref, err = refOf(&answer[i], &answer[i+1]); err != nil {
			return err
		}
		if !names {
			b, err := bytesOf(&answer[i+2])
			if err != nil {
				return err
			}
			if x.record, err = decodeRecord(b); err != nil {
				return err
			}
			x.place.sequence = x.record.sequence
		}
		part.changes = append(part.changes, x)
	}
	return nil
}

func refOf(table, key *rueidis.RedisMessage) (ref store.Ref, err error) {
	if ref.Table, err = table.ToString(); err == nil {
		ref.Key, err = key.ToString()
	}
	return ref, err
}
