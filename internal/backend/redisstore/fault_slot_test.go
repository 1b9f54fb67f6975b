package redisstore

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// move is a slot that goes from one node of a Cluster to another, and back the next time.
type move struct {
	t        *testing.T
	cluster  *testenv.ClusterServers
	slot     string
	from, to *testenv.RedisServer
}

// newMove is for the slot of a shard.
func newMove(t *testing.T, cluster *testenv.ClusterServers, d *shard) *move {
	t.Helper()
	at := cluster.NodeOf(t, d.meta)
	return &move{t: t, cluster: cluster, slot: strconv.Itoa(int(d.slot)), from: cluster.Nodes[at], to: cluster.Nodes[(at+1)%len(cluster.Nodes)]}
}

// start has the slot begin to move. Nothing of it has moved yet.
func (m *move) start() {
	m.t.Helper()
	m.to.Do(m.t, "CLUSTER", "SETSLOT", m.slot, "IMPORTING", m.id(m.from))
	m.from.Do(m.t, "CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.id(m.to))
}

func (m *move) id(node *testenv.RedisServer) string {
	m.t.Helper()
	id, _ := node.Do(m.t, "CLUSTER", "MYID").(string)
	return id
}

// carry moves so many keys.
func (m *move) carry(most int) (moved int) {
	m.t.Helper()
	keys, _ := m.from.Do(m.t, "CLUSTER", "GETKEYSINSLOT", m.slot, strconv.Itoa(most)).([]any)
	for _, key := range keys {
		name, _ := key.(string)
		m.from.Do(m.t, "MIGRATE", "127.0.0.1", strconv.Itoa(m.to.Port), name, "0", "10000")
	}
	return len(keys)
}

// end moves what is left, and has all nodes know.
func (m *move) end() {
	m.t.Helper()
	for m.carry(100) > 0 {
	}
	for _, node := range append([]*testenv.RedisServer{m.to, m.from}, m.cluster.Nodes...) {
		node.Do(m.t, "CLUSTER", "SETSLOT", m.slot, "NODE", m.id(m.to))
	}
	m.from, m.to = m.to, m.from
}

// TestSlotMovesUnderLoad moves a slot while it is written to: half of its keys, and
// after a while the other half. No write is half done, and in the end all are.
func TestSlotMovesUnderLoad(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{})
	f := openOn(t, cluster.URL, func(o *Options) { o.Shards = 16 })
	l := startLoad(f, faultload.Options{Groups: []string{"a", "b"}})
	m := newMove(t, cluster, f.link.Load().shardOf("{a}"))
	for range rounds(2) {
		l.AwaitAcknowledged(300)
		m.start()
		l.AwaitRefused(20)
		count, _ := m.from.Do(t, "CLUSTER", "COUNTKEYSINSLOT", m.slot).(int64)
		m.carry(int(count / 2))
		l.AwaitRefused(20)
		l.AwaitAcknowledged(100) // elsewhere at least
		m.end()
	}
	l.AwaitAcknowledged(300)
	checkLoad(f, l)
}

// looks are reads of all that a store has, by name; one that fails has to be refused.
func (f *fixture) looks() map[string]string {
	f.t.Helper()
	ctx, all := f.t.Context(), make(map[string]string)
	took := func(name string, what any, err error) {
		f.t.Helper()
		if err == nil {
			all[name] = fmt.Sprintf("%+v", what)
		} else if store.CodeOf(err) != store.Unavailable {
			f.t.Errorf("%s: %v", name, err)
		}
	}
	var refs []store.Ref
	for i := range 20 {
		refs = append(refs, ref(strconv.Itoa(i)))
	}
	for _, ref := range refs {
		read, err := f.Get(ctx, []store.Ref{ref})
		took("Get of "+ref.Key, read.Entries, err)
	}
	read, err := f.Get(ctx, refs)
	took("Get", read.Entries, err)
	for name, scan := range map[string]store.Scan{
		"Scan": {Table: "t"}, "Scan by change": {Table: "t", Order: store.ByChange}, "Scan by expiry": {Table: "t", Order: store.ByExpiry},
	} {
		page, err := f.Scan(ctx, scan)
		took(name, page.Entries, err)
	}
	for name, q := range map[string]store.Query{
		"Search": {Table: "t"}, "Search by index": {Table: "t", Sort: []store.Sort{{Path: "/n"}}},
	} {
		found, err := f.Search(ctx, q)
		took(name, found.Entries, err)
		count, err := f.Count(ctx, q)
		took("Count after "+name, count, err)
	}
	tables, err := f.Tables(ctx)
	took("Tables", tables, err)
	for _, table := range []string{"", "t"} {
		feed, err := f.Changes(ctx, store.Changes{Table: table})
		took("Changes of "+table, feed.Changes, err)
	}
	took("clearing up", nil, f.Maintain(ctx, store.Maintenance{Action: store.Cleanup}))
	return all
}

// TestNoPartsWhileSlotMoves moves the keys of a slot one by one, in an order drawn by
// chance, and reads all that there is after each, and offers what a unique index refuses.
// What is answered is the whole.
func TestNoPartsWhileSlotMoves(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(storetest.Seed(t), 0))
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{})
	f := openOn(t, cluster.URL, func(o *Options) { o.Shards = 1 })
	f.unique("by", numberField("n"))
	for i := range 20 {
		op := put(strconv.Itoa(i), fmt.Sprintf(`{"n": %d}`, i))
		if i%3 == 0 {
			op.Expiry = store.ExpiresIn(time.Hour)
		}
		f.apply(op)
	}
	f.apply(remove("4"), remove("5"))
	whole := f.looks()
	m := newMove(t, cluster, f.link.Load().shardOf("1"))
	for range rounds(2) {
		m.start()
		held, _ := m.from.Do(t, "CLUSTER", "GETKEYSINSLOT", m.slot, "1000").([]any)
		random.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		answered := 0
		for _, key := range held {
			name, _ := key.(string)
			m.from.Do(t, "MIGRATE", "127.0.0.1", strconv.Itoa(m.to.Port), name, "0", "10000")
			for what, got := range f.looks() {
				answered++
				if got != whole[what] {
					t.Errorf("after %s has moved, %s gives\n%.300s, and should\n%.300s", name, what, got, whole[what])
				}
			}
			n := 6 + random.IntN(14)
			_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{put("other", fmt.Sprintf(`{"n": %d}`, n))}})
			if code := store.CodeOf(err); code != store.UniqueViolation && code != store.Unavailable {
				t.Errorf("after %s has moved, a second entry with the number %d: %v", name, n, err)
			}
			if t.Failed() {
				return
			}
		}
		t.Logf("%d keys have moved, and %d reads were answered meanwhile", len(held), answered)
		m.end()
		poll(t, "the slot", func() bool { return f.Ping(t.Context()) == nil })
	}
	sound(t, f.Store)
}

// TestNothingHalfDoneWhileSlotMoves writes to a slot that is about to move, in a way that
// empties an order and fills it again: on such a slot a key that has gone is elsewhere.
func TestNothingHalfDoneWhileSlotMoves(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{})
	for name, last := range map[string]func(op *store.Op){
		"by a script": func(*store.Op) {},
		"evaluated":   func(op *store.Op) { *op = plusOne("b"); op.Increment.Min = []byte("0") },
	} {
		t.Run(name, func(t *testing.T) {
			f := openOn(t, cluster.URL, func(o *Options) {
				o.Shards, o.Prefix, o.Retention.Tombstones = 1, strings.ReplaceAll(name, " ", "-"), time.Microsecond
			})
			f.apply(put("gone", `1`))
			f.apply(remove("gone"))
			if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil { // the table has something to remember
				t.Fatal(err)
			}
			mortal := put("a", `1`)
			mortal.Expiry = store.ExpiresIn(time.Hour)
			f.apply(mortal, put("b", `1`))
			f.apply(remove("b"))
			before := f.get("b").Version
			m := newMove(t, cluster, f.link.Load().shardOf("a"))
			m.start()
			ops := []store.Op{remove("a"), put("b", `2`)}
			last(&ops[1])
			_, err := f.Apply(t.Context(), store.Batch{Ops: ops})
			a, b := f.get("a"), f.get("b")
			t.Logf("it gives %v", err)
			if done := err == nil; a.Exists() == done || (b.Version > before) != done || b.Exists() != done {
				t.Errorf("after %v, a is there: %v, and b is at version %d after %d", err, a.Exists(), b.Version, before)
			}
			m.end()
			f.serves()
			m.start() // back, for the next
			m.end()
		})
	}
}

// TestSlotMovesUnderMemory moves a slot whose entries are in memory, and writes to it where
// it is then.
func TestSlotMovesUnderMemory(t *testing.T) {
	t.Parallel()
	const age = 200 * time.Millisecond
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{})
	f := openOn(t, cluster.URL, inMemory, func(o *Options) { o.Shards, o.CacheAge = 1, age })
	other := f.beside(func(o *Options) { o.CacheBytes = 0 })
	other.apply(put("k", `"before"`))
	poll(t, "a copy", func() bool { return f.recent("k").Source.Copy == memory })
	r := startReaders(f)
	m := newMove(t, cluster, f.link.Load().shardOf("k"))
	m.start()
	m.end()
	poll(t, "the slot", func() bool {
		_, err := other.Apply(t.Context(), store.Batch{Ops: []store.Op{put("k", `"after"`)}})
		return err == nil
	})
	r.isOver(age)
	poll(t, "a copy of what was written there", func() bool {
		read, err := recent{f.Store}.Get(t.Context(), []store.Ref{ref("k")})
		return err == nil && read.Source.Copy == memory && string(read.Entries[0].Value.Data) == `"after"`
	})
	r.stop()
}
