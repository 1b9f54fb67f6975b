package redisstore

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
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
