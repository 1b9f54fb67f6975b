package redisstore

import (
	"cmp"
	"context"
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// A copy of another store's entry is one string, which Redis lets expire, or evicts as
// it likes:
//
//	P{i}:y:SPACE:TABLE:K  epoch, 8 bytes, big-endian; horizon, as many; the record
//
// A lease on the gap where no copy is is a string that is too short for one.

var _ store.Cacher = (*Store)(nil)

const (
	copyHead = 16 // bytes before the record
	leased   = "L"
)

// spaceBase begins the names of a space's copies in a shard.
func (d *shard) spaceBase(space string) string { return d.base + "y:" + space + ":" }

func (d *shard) copy(space string, ref store.Ref) string {
	return d.spaceBase(space) + ref.Table + ":" + ref.Key
}

// Look implements [store.Cacher], in one round trip: SET with NX and GET tells what is
// there, and makes the lease where nothing is.
func (s *Store) Look(ctx context.Context, space string, ref store.Ref, lease time.Duration) (store.Copy, store.Sight, error) {
	if err := ref.Validate(); err != nil {
		return store.Copy{}, store.Nothing, err
	}
	l, err := s.enter(ctx)
	if err != nil {
		return store.Copy{}, store.Nothing, err
	}
	name := l.shardOf(ref.Key).copy(space, ref)
	var answer rueidis.RedisResult
	if lease > 0 {
		answer = l.client.Do(ctx, l.client.B().Set().Key(name).Value(leased).Nx().Get().PxMilliseconds(max(1, lease.Milliseconds())).Build())
		if refused := s.answered(answer.Error()); refused != nil && refused.Code == store.StorageFull {
			lease = 0 // no room for a lease, yet a copy may be there
		}
	}
	if lease <= 0 {
		answer = l.client.Do(ctx, l.client.B().Get().Key(name).Build())
	}
	held, err := answer.AsBytes()
	switch {
	case rueidis.IsRedisNil(err) && lease > 0:
		return store.Copy{}, store.Granted, nil
	case rueidis.IsRedisNil(err):
		return store.Copy{}, store.Nothing, nil
	case err != nil:
		return store.Copy{}, store.Nothing, s.refusal(ctx, err)
	case lease > 0 && string(held) == leased:
		return store.Copy{}, store.Leased, nil
	}
	c, ok := decodeCopied(ref, held)
	if !ok {
		return store.Copy{}, store.Nothing, nil // a lease, or damaged: the home has it
	}
	return c, store.Held, nil
}

// decodeCopied reads a copy.
func decodeCopied(ref store.Ref, b []byte) (c store.Copy, ok bool) {
	if len(b) < copyHead {
		return store.Copy{}, false
	}
	c.Epoch = binary.BigEndian.Uint64(b)
	c.Horizon = store.Horizon(binary.BigEndian.Uint64(b[8:]))
	r, err := decodeRecord(b[copyHead:])
	if err != nil {
		return store.Copy{}, false
	}
	if r.deleted() {
		c.Entry = store.Entry{Ref: ref, Version: r.version}.Absent()
		return c, true
	}
	c.Entry, err = r.entry(ref)
	return c, err == nil
}

// encodeCopied is the other way.
func encodeCopied(c *store.Copy) string {
	e := c.Entry
	if !e.Exists() {
		e = store.Entry{Version: e.Version, Deleted: true}
	}
	front := head(&e)
	b := make([]byte, copyHead, copyHead+len(front)+len(e.Value.Data)+64)
	binary.BigEndian.PutUint64(b, c.Epoch)
	binary.BigEndian.PutUint64(b[8:], uint64(c.Horizon))
	if b = append(b, front...); !e.Deleted {
		b = appendTail(b, e.Value, e.Metadata)
	}
	return rueidis.BinaryString(b)
}

// copiesAtOnce bounds what one script keeps.
const copiesAtOnce = 100

// Keep implements [store.Cacher], by a script for some at a time.
func (s *Store) Keep(ctx context.Context, space string, copies []store.Copy) error {
	l, err := s.enter(ctx)
	if err != nil {
		return err
	}
	groups := make([]rueidis.LuaExec, 0, 1)
	open := make(map[int]int, 1) // by shard, the group that takes more
	for i := range copies {
		c := &copies[i]
		if err := c.Entry.Ref.Validate(); err != nil {
			return err
		}
		d := l.shardOf(c.Entry.Key)
		n, found := open[d.index]
		if !found || len(groups[n].Keys) == copiesAtOnce {
			n = len(groups)
			groups = append(groups, rueidis.LuaExec{})
			open[d.index] = n
		}
		g := &groups[n]
		g.Keys = append(g.Keys, d.copy(space, c.Entry.Ref))
		g.Args = append(g.Args, encodeCopied(c), s.copyLife(&c.Entry))
	}
	if len(groups) == 1 {
		return s.keepGroup(ctx, l, &groups[0])
	}
	errs := make([]error, len(groups))
	var all sync.WaitGroup
	for i := range groups {
		all.Go(func() { errs[i] = s.keepGroup(ctx, l, &groups[i]) })
	}
	all.Wait()
	return cmp.Or(errs...)
}

func (s *Store) keepGroup(ctx context.Context, l *link, g *rueidis.LuaExec) error {
	if err := s.scripts.keep.Exec(ctx, l.client, g.Keys, g.Args).Error(); err != nil {
		return s.refusal(ctx, err)
	}
	return nil
}

// copyLife is how long a copy is kept, in ms. That of an entry which ends is of no use
// after it, which need not be told exactly: whoever reads it looks.
func (s *Store) copyLife(e *store.Entry) string {
	life := s.options.CopyLife
	if !e.ExpiresAt.IsZero() {
		life = min(life, max(time.Until(e.ExpiresAt), 0)+time.Second)
	}
	return strconv.FormatInt(life.Milliseconds(), 10)
}

// Drop implements [store.Cacher]: it looks through all keys there are, which takes time
// in proportion to them.
func (s *Store) Drop(ctx context.Context, space string) error {
	l, err := s.enter(ctx)
	if err != nil {
		return err
	}
	pattern := escapeGlob(s.options.Prefix) + "{*}:y:" + escapeGlob(space) + ":*"
	for _, node := range l.client.Nodes() {
		if err := dropOn(ctx, node, pattern); err != nil {
			return s.refusal(ctx, err)
		}
	}
	return nil
}

// dropOn removes what is on one node. A replica has nothing to remove that its master
// does not.
func dropOn(ctx context.Context, node rueidis.Client, pattern string) error {
	role, err := node.Do(ctx, node.B().Info().Section("replication").Build()).ToString()
	if err != nil {
		return err
	}
	if parseInfo(role)["role"] != "master" {
		return nil
	}
	const look = 1000 // at so many in one step
	for cursor := uint64(0); ; {
		found, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Match(pattern).Count(look).Build()).AsScanEntry()
		if err != nil {
			return err
		}
		removals := make(rueidis.Commands, len(found.Elements))
		for i, name := range found.Elements {
			removals[i] = node.B().Unlink().Key(name).Build()
		}
		for _, answer := range node.DoMulti(ctx, removals...) {
			if err := answer.Error(); err != nil {
				return err
			}
		}
		if cursor = found.Cursor; cursor == 0 {
			return nil
		}
	}
}
