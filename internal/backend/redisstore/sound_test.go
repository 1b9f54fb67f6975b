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
		x := examiner{TB: t, s: s, link: l, shard: &l.shards[i], ctx: ctx, named: make(map[string]bool)}
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
	x.named[d.sequence], x.named[d.meta], x.named[d.tables] = true, true, true
	for _, table := range tables {
		x.tableIsSound(table)
	}
	if x.link.client.Mode() != rueidis.ClientModeCluster { // of which only a node can be gone through
		x.allAreNamed()
	}
}

// allAreNamed goes through the keys that there are.
func (x *examiner) allAreNamed() {
	x.Helper()
	c := x.link.client
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		found, err := c.Do(x.ctx, c.B().Scan().Cursor(cursor).Match(x.shard.base+"*").Count(10_000).Build()).AsScanEntry()
		if err != nil {
			x.Fatal(err)
		}
		for _, key := range found.Elements {
			left, err := c.Do(x.ctx, c.B().Pttl().Key(key).Build()).AsInt64()
			if err != nil {
				x.Fatal(err)
			}
			if ends := strings.HasPrefix(key, x.shard.base+"b:"); ends != (left != -1) || !ends && !x.named[key] {
				x.Errorf("nothing names the key %q, which has %d ms to live", key, left)
			}
		}
		cursor = found.Cursor
	}
}

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
	}
	slices.SortFunc(refs, func(a, b store.Ref) int { return strings.Compare(a.Key, b.Key) })
	catalog, err := x.s.readCatalog(x.ctx, x.link, d, table)
	if err != nil {
		x.Fatal(err)
	}
	var living, mortal, buried []string
	members := make(map[*index][]string)
	for _, ref := range refs {
		b, err := x.link.client.Do(x.ctx, x.link.client.B().Get().Key(d.entry(ref)).Build()).AsBytes()
		if err != nil {
			x.Fatalf("%v: %v", ref, err)
		}
		r, err := decodeRecord(b)
		if err != nil {
			x.Fatalf("%v: %v", ref, err)
		}
		switch {
		case r.deleted():
			buried = append(buried, ref.Key)
		case r.mortal():
			mortal = append(mortal, ref.Key)
			fallthrough
		default:
			living = append(living, ref.Key)
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
				members[ix] = append(members[ix], string(sortedindex.Join(p.Fields, ref.Key)))
			}
		}
	}
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

// holds compares a sorted set with what ought to be in it.
func (x *examiner) holds(set string, want []string) {
	x.Helper()
	got := x.do("ZRANGE", set, "0", "-1")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		x.Errorf("%s holds %.500q, want %.500q", set, got, want)
	}
}
