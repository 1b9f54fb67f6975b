package redisstore

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
	"larder/internal/testenv"
)

// TestClusterNodesShareMessages has each node publish.
func TestClusterNodesShareMessages(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{})
	var all []store.Subscription
	var stores []*fixture
	for range 5 { // so that not all receive by the same node
		f := openOn(t, cluster.URL)
		stores = append(stores, f)
		all = append(all, f.subscribe("c"), f.subscribe("{a}*"))
	}
	for n, node := range cluster.Nodes {
		node.Do(t, "PUBLISH", "larder{0}:ch:c", "1 "+strconv.Itoa(n))
		node.Do(t, "PUBLISH", "larder{0}:ch:{a}b", "1 "+strconv.Itoa(n))
		for i, s := range all {
			comes(t, s, []string{"c", "{a}b"}[i%2], strconv.Itoa(n))
		}
	}
	for n, f := range stores {
		f.publish("c", strconv.Itoa(n))
		f.publish("{a}b", strconv.Itoa(n))
		for i, s := range all {
			comes(t, s, []string{"c", "{a}b"}[i%2], strconv.Itoa(n))
		}
	}
	connections := 0
	for _, node := range cluster.Nodes {
		connections += receivers(t, node)
	}
	if connections != len(stores) {
		t.Errorf("%d connections receive for %d stores", connections, len(stores))
	}
}

// TestClusterNodeGoesDown kills the node that a store receives by and publishes at.
func TestClusterNodeGoesDown(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{})
	f, other := openOn(t, cluster.URL), openOn(t, cluster.URL)
	s := f.subscribe("c")
	for round := range 2 {
		others := other.subscribe("c")
		at := f.receivesAt(cluster)
		cluster.Kill(t, at)
		gapComes(t, s)
		f.awaitPublish("c", strconv.Itoa(round))
		comes(t, s, "c", strconv.Itoa(round))
		if m := next(t, others); !m.Gap && string(m.Payload) != strconv.Itoa(round) { // it may have been at the same node
			t.Fatalf("there came %q", m.Payload)
		}
		others.Close()
		cluster.Start(t, at)
	}
	last := other.subscribe("c")
	f.publish("c", `"last"`)
	comes(t, last, "c", `"last"`)
	comes(t, s, "c", `"last"`)
}

// TestClusterFallsApart has the node that a store receives by lose the others, which
// none of its connections shows.
func TestClusterFallsApart(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{})
	var log lines
	logger := zerolog.New(&log)
	f := openOn(t, cluster.URL, func(o *Options) { o.ReplyTimeout, o.Logger = 200*time.Millisecond, &logger })
	s := f.subscribe("c")
	alone := f.receivesAt(cluster)
	id := func(i int) string {
		text, _ := cluster.Nodes[i].Do(t, "CLUSTER", "MYID").(string)
		return text
	}
	for i, node := range cluster.Nodes {
		if i != alone {
			node.Do(t, "CLUSTER", "FORGET", id(alone))
			cluster.Nodes[alone].Do(t, "CLUSTER", "FORGET", id(i))
		}
	}
	poll(t, "the probe to be missed", func() bool {
		return slices.ContainsFunc(log.warnings(), func(line string) bool { return strings.Contains(line, errDeaf.Error()) })
	})
	gapComes(t, s)
}

// receivesAt says which node the store receives by.
func (f *fixture) receivesAt(cluster *testenv.ClusterServers) int {
	f.t.Helper()
	f.pubsub.nodes.mu.Lock()
	defer f.pubsub.nodes.mu.Unlock()
	for i, node := range cluster.Nodes {
		if strings.HasSuffix(f.pubsub.nodes.address, ":"+strconv.Itoa(node.Port)) {
			return i
		}
	}
	f.t.Fatalf("it receives at %q", f.pubsub.nodes.address)
	return -1
}
