package redisstore

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// sound holds the orders and the indexes of a store to its entries, and looks for keys
// that nothing names.
func sound(t testing.TB, s *Store) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // the test may be over
	l, err := s.enter(ctx)
	if err != nil {
		t.Errorf("looking whether the store is sound: %v", err)
		return
	}
	for i := range l.shards {
		x := examiner{TB: t, s: s, link: l, shard: &l.shards[i], ctx: ctx, named: make(map[string]bool), sequences: make(map[int64]store.Ref)}
		x.shardIsSound()
	}
}

// examiner looks at one shard.
type examiner struct {
	testing.TB
	s     *Store
	link  *link
	shard *shard
	ctx   context.Context
	named map[string]bool // the keys that belong there

	last      int64               // the sequence of the shard
	sequences map[int64]store.Ref // of the last writes
}

func (x *examiner) do(args ...string) []string {
	x.Helper()
	got, err := x.link.client.Do(x.ctx, x.link.client.B().Arbitrary(args...).Build()).AsStrSlice()
	if err != nil {
		x.Fatalf("%q: %v", args, err)
	}
	return got
}

func (x *examiner) shardIsSound() {
	x.Helper()
	d := x.shard
	tables := x.do("SMEMBERS", d.tables)
	last, err := x.link.client.Do(x.ctx, x.link.client.B().Get().Key(d.sequence).Build()).ToMessage()
	if err != nil && !rueidis.IsRedisNil(err) {
		x.Fatal(err)
	}
	if x.last, err = number(&last); err != nil {
		x.Fatal(err)
	}
	x.named[d.sequence], x.named[d.meta], x.named[d.tables] = true, true, true
	for _, table := range tables {
		x.tableIsSound(table)
	}
	for _, node := range x.link.client.Nodes() {
		x.allAreNamed(node)
	}
}

// allAreNamed goes through the keys that a node has.
func (x *examiner) allAreNamed(c rueidis.Client) {
	x.Helper()
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		found, err := c.Do(x.ctx, c.B().Scan().Cursor(cursor).Match(x.shard.base+"*").Count(10_000).Build()).AsScanEntry()
		if err != nil {
			x.Fatal(err)
		}
		lives := make(rueidis.Commands, len(found.Elements))
		for i, key := range found.Elements {
			lives[i] = c.B().Pttl().Key(key).Build()
		}
		for i, answer := range c.DoMulti(x.ctx, lives...) {
			key := found.Elements[i]
			left, err := answer.AsInt64()
			if err != nil {
				x.Fatal(err)
			}
			ends := strings.HasPrefix(key, x.shard.base+"b:") || strings.HasPrefix(key, x.shard.base+"y:")
			if ends != (left != -1) || !ends && !x.named[key] {
				x.Errorf("nothing names the key %q, which has %d ms to live", key, left)
			}
		}
		cursor = found.Cursor
	}
}

// scored is a member of a sorted set; anywhere is a score that is not looked at.
type scored struct {
	member string
	score  float64
}

const anywhere = -1

func (x *examiner) tableIsSound(table string) {
	x.Helper()
	d := x.shard
	keys := x.do("ZRANGE", d.changes(table), "0", "-1")
	for _, name := range []string{d.state(table), d.keys(table), d.changes(table), d.expiry(table), d.tombstones(table), d.indexes(table)} {
		x.named[name] = true
	}
	refs := make([]store.Ref, len(keys))
	for i, key := range keys {
		refs[i] = store.Ref{Table: table, Key: key}
		x.named[d.entry(refs[i])] = true
		if x.link.shardOf(key) != d {
			x.Errorf("the key %q lies in shard %d", key, d.index)
		}
	}
	slices.SortFunc(refs, func(a, b store.Ref) int { return strings.Compare(a.Key, b.Key) })
	catalog, err := x.s.readCatalog(x.ctx, x.link, d, table)
	if err != nil {
		x.Fatal(err)
	}
	var changed, living, mortal, buried []scored
	members := make(map[*index][]scored)
	reads := make(rueidis.Commands, len(refs))
	for i := range refs {
		reads[i] = x.link.client.B().Get().Key(d.entry(refs[i])).Build()
	}
	for i, answer := range x.link.client.DoMulti(x.ctx, reads...) {
		ref := refs[i]
		b, err := answer.AsBytes()
		if err != nil {
			x.Fatalf("%v: %v", ref, err)
		}
		r, err := decodeRecord(b)
		if err != nil {
			x.Fatalf("%v: %v", ref, err)
		}
		x.follows(ref, &r)
		changed = append(changed, scored{ref.Key, float64(r.sequence)})
		switch {
		case r.deleted():
			buried = append(buried, scored{ref.Key, anywhere})
		case r.mortal():
			mortal = append(mortal, scored{ref.Key, float64(r.expires)})
			fallthrough
		default:
			living = append(living, scored{ref.Key, 0})
		}
		v, err := storedValue(b)
		if err != nil {
			x.Fatal(err)
		}
		for _, ix := range catalog.indexes {
			p := ix.Place(v)
			if p.Long && !ix.long {
				x.Errorf("the index %s has cut fields and is not marked for that", ix.Def.Name)
			}
			if p.Indexed {
				members[ix] = append(members[ix], scored{string(sortedindex.Join(p.Fields, ref.Key)), 0})
			}
		}
	}
	x.holds(d.changes(table), changed)
	x.holds(d.keys(table), living)
	x.holds(d.expiry(table), mortal)
	x.holds(d.tombstones(table), buried)
	for _, ix := range catalog.indexes {
		x.named[ix.set] = true
		if ix.ready {
			x.holds(ix.set, members[ix])
		}
	}
}

// follows holds that an entry's last write has a sequence of its own in the shard, and
// none that is still to come.
func (x *examiner) follows(ref store.Ref, r *record) {
	x.Helper()
	if other, taken := x.sequences[r.sequence]; taken || r.sequence > x.last || r.version < 1 {
		x.Errorf("%v is at version %d, its sequence is %d, the shard's %d, and %v has the same", ref, r.version, r.sequence, x.last, other)
	}
	x.sequences[r.sequence] = ref
}

// holds compares a sorted set with what ought to be in it.
func (x *examiner) holds(set string, want []scored) {
	x.Helper()
	got, err := x.link.client.Do(x.ctx, x.link.client.B().Zrange().Key(set).Min("0").Max("-1").Withscores().Build()).AsZScores()
	if err != nil {
		x.Fatalf("%s: %v", set, err)
	}
	slices.SortFunc(got, func(a, b rueidis.ZScore) int { return strings.Compare(a.Member, b.Member) })
	slices.SortFunc(want, func(a, b scored) int { return strings.Compare(a.member, b.member) })
	if !slices.EqualFunc(got, want, func(a rueidis.ZScore, b scored) bool {
		return a.Member == b.member && (a.Score == b.score || b.score == anywhere)
	}) {
		x.Errorf("%s holds %.500v, want %.500v", set, got, want)
	}
}
