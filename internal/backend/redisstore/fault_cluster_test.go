package redisstore

import (
	"strconv"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// groupsOf gives groups of keys that lie at each node of a Cluster.
func groupsOf(f *fixture, cluster *testenv.ClusterServers, each int) [][]string {
	f.t.Helper()
	groups := make([][]string, len(cluster.Nodes))
	nodes := make(map[int]int) // by shard
	for i := 0; ; i++ {
		group := "g" + strconv.Itoa(i)
		d := f.link.Load().shardOf("{" + group + "}")
		node, known := nodes[d.index]
		if !known {
			node = cluster.NodeOf(f.t, d.meta)
			nodes[d.index] = node
		}
		if len(groups[node]) < each {
			groups[node] = append(groups[node], group)
		}
		full := true
		for node := range groups {
			full = full && len(groups[node]) == each
		}
		if full {
			return groups
		}
	}
}

// TestClusterNodeDown kills one of three nodes under load on each. What lies at that one
// is refused, all else is served as if nothing were, and what needs all of them is
// refused too. When the node is back all is well.
func TestClusterNodeDown(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{AppendOnly: true})
	f := openOn(t, cluster.URL, func(o *Options) { o.Shards, o.ReplyTimeout = 16, 10*time.Second }) // however busy the machine is
	groups := groupsOf(f, cluster, 3)
	loads := make([]*faultload.Load, len(groups))
	for node := range loads {
		loads[node] = startLoad(f, faultload.Options{Groups: groups[node]})
	}
	for round := range rounds(2) {
		down := round % len(loads)
		for _, l := range loads {
			l.AwaitAcknowledged(100)
		}
		cluster.Kill(t, down)
		loads[down].AwaitRefused(10)
		refused := make([]int64, len(loads))
		for node, l := range loads {
			refused[node] = l.Refused()
		}
		f.needsAllNodes(groups[down][0], groups[(down+1)%len(groups)][0])
		cluster.AwaitDown(t) // that they know changes nothing
		f.needsAllNodes(groups[down][0], groups[(down+1)%len(groups)][0])
		for node, l := range loads {
			if node != down {
				l.AwaitAcknowledged(100)
				if n := l.Refused() - refused[node]; n > 0 {
					t.Errorf("with node %d down, node %d refused %d writes", down, node, n)
				}
			}
		}
		cluster.Start(t, down)
		loads[down].AwaitAcknowledged(100)
	}
	for _, l := range loads {
		l.Check()
	}
	f.serves()
}

// needsAllNodes holds that nothing is answered from a part of the nodes, and that what
// lies at one that lives is.
func (f *fixture) needsAllNodes(dead, alive string) {
	f.t.Helper()
	key := func(group string) store.Ref { return ref("{" + group + "}needed") }
	ctx := f.t.Context()
	for name, call := range f.calls() {
		switch name {
		case "Get", "Apply", "Apply of what is evaluated", "Install": // of one key
		default:
			fails(f.t, name, call(ctx), store.Unavailable)
		}
	}
	_, err := f.Get(ctx, []store.Ref{key(alive), key(dead)})
	fails(f.t, "Get of both", err, store.Unavailable)
	if _, err := f.Get(ctx, []store.Ref{key(alive)}); err != nil {
		f.t.Errorf("Get of what lives: %v", err)
	}
	for _, o := range store.ApplyEach(ctx, f, store.Batch{Ops: []store.Op{
		{Kind: store.Put, Ref: key(alive), Value: put("", `1`).Value},
		{Kind: store.Put, Ref: key(dead), Value: put("", `1`).Value},
	}}) {
		if o.Err != nil {
			fails(f.t, "Apply", o.Err, store.Unavailable)
			continue
		}
		if o.Entry.Ref != key(alive) {
			f.t.Errorf("%v is written on a node that is down", o.Entry.Ref)
		}
	}
}

// TestClusterMajorityDown kills two of three nodes: the third serves nothing on its own.
func TestClusterMajorityDown(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{AppendOnly: true})
	f := openOn(t, cluster.URL, func(o *Options) { o.Shards = 16 })
	groups := groupsOf(f, cluster, 3)
	l := startLoad(f, faultload.Options{Groups: append(append(groups[0], groups[1]...), groups[2]...)})
	l.AwaitAcknowledged(100)
	cluster.Kill(t, 0)
	cluster.Kill(t, 1)
	poll(t, "the third to notice", func() bool {
		_, err := f.Get(t.Context(), []store.Ref{ref("{" + groups[2][0] + "}")})
		return store.CodeOf(err) == store.Unavailable
	})
	f.unavailableAt(groups[2][0])
	cluster.Nodes[0].Start(t)
	cluster.Start(t, 1)
	l.AwaitAcknowledged(100)
	l.Check()
	f.serves()
}

// unavailableAt holds that what lies at a node is refused.
func (f *fixture) unavailableAt(group string) {
	f.t.Helper()
	_, err := f.Get(f.t.Context(), []store.Ref{ref("{" + group + "}a")})
	fails(f.t, "Get", err, store.Unavailable)
	_, err = f.Apply(f.t.Context(), store.Batch{Ops: []store.Op{put("{"+group+"}a", `1`)}})
	fails(f.t, "Apply", err, store.Unavailable)
	fails(f.t, "Ping", f.Ping(f.t.Context()), store.Unavailable)
}
