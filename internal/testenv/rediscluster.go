package testenv

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	clusterNodes = 3
	clusterSlots = 16384
)

// How long a node may be silent before the others take it for down.
const (
	nodeTimeout       = time.Second
	sharedNodeTimeout = time.Minute // however busy the machine is
)

// ClusterServers are the three masters of a Redis Cluster, a third of the slots
// at each. There are no replicas: while a master is down its slots are, and
// the others' are served. The others send who asks for one of its keys to it all
// the same.
type ClusterServers struct {
	URL   string // redis+cluster://127.0.0.1:PORT,127.0.0.1:PORT,127.0.0.1:PORT
	Nodes []*RedisServer
}

// StartRedisCluster starts a Cluster and gives it when each node serves its
// slots. One that is silent for a second is taken for down. The test's end
// stops them and removes their data. The options are those of every node; Dir
// has to be empty.
func StartRedisCluster(t testing.TB, o RedisOptions) *ClusterServers {
	t.Helper()
	c, err := startCluster(o, nodeTimeout)
	if err != nil {
		t.Fatalf("Redis Cluster: %v", err)
	}
	for _, one := range c.Nodes {
		one.own(t, true)
	}
	return c
}

// RedisCluster gives a site on a Cluster.
func RedisCluster(t testing.TB) RedisSite {
	t.Helper()
	c, err := startSharedCluster()
	if err != nil {
		t.Fatalf("Redis Cluster: %v", err)
	}
	return newSite(c.URL)
}

var startSharedCluster = sync.OnceValues(func() (*ClusterServers, error) {
	return startCluster(RedisOptions{}, sharedNodeTimeout)
})

// Slots are the first and the last slot of a node.
func (c *ClusterServers) Slots(i int) (first, last int) {
	return i * clusterSlots / clusterNodes, (i+1)*clusterSlots/clusterNodes - 1
}

// NodeOf says which node has the slot of a key.
func (c *ClusterServers) NodeOf(t testing.TB, key string) int {
	t.Helper()
	alive := slices.IndexFunc(c.Nodes, func(node *RedisServer) bool { return node.process != nil })
	if alive < 0 {
		t.Fatal("no node of the Cluster runs")
	}
	slot, _ := c.Nodes[alive].Do(t, "CLUSTER", "KEYSLOT", key).(int64)
	for i := range c.Nodes {
		if _, last := c.Slots(i); int(slot) <= last {
			return i
		}
	}
	t.Fatalf("the key %q has slot %d", key, slot)
	return 0
}

// Kill ends a node as kill -9 does, and waits until it is gone. The others do
// not know of it yet.
func (c *ClusterServers) Kill(t testing.TB, i int) {
	t.Helper()
	c.Nodes[i].Kill(t)
}

// Start starts a node again, and waits until it serves its slots and the others
// know.
func (c *ClusterServers) Start(t testing.TB, i int) {
	t.Helper()
	c.Nodes[i].Start(t)
	if err := c.agreed(clusterSlots); err != nil {
		t.Fatalf("Redis Cluster with node %d back: %v", i, err)
	}
}

// AwaitDown waits until all that run take the others for down.
func (c *ClusterServers) AwaitDown(t testing.TB) {
	t.Helper()
	served := 0
	for i, node := range c.Nodes {
		if first, last := c.Slots(i); node.process != nil {
			served += last - first + 1
		}
	}
	if err := c.agreed(served); err != nil {
		t.Fatalf("Redis Cluster with nodes down: %v", err)
	}
}

// agreed waits until every node that runs serves, and sees so many slots
// served.
func (c *ClusterServers) agreed(slots int) error {
	return await(time.Minute, func() (bool, error) {
		for _, node := range c.Nodes {
			if node.process == nil {
				continue
			}
			reply, err := node.Try("CLUSTER", "INFO")
			if err != nil {
				return false, err
			}
			text, _ := reply.(string)
			state := infoFields(text)
			if state["cluster_state"] != "ok" || state["cluster_known_nodes"] != strconv.Itoa(clusterNodes) ||
				state["cluster_slots_ok"] != strconv.Itoa(slots) || state["cluster_slots_pfail"] != "0" {
				return false, nil
			}
		}
		return true, nil
	})
}

func startCluster(o RedisOptions, timeout time.Duration) (*ClusterServers, error) {
	c := &ClusterServers{}
	if err := c.start(o, timeout); err != nil {
		return nil, errors.Join(err, discard(c.Nodes))
	}
	return c, nil
}

func (c *ClusterServers) start(o RedisOptions, timeout time.Duration) error {
	o.Settings = maps.Clone(o.Settings)
	if o.Settings == nil {
		o.Settings = make(map[string]string)
	}
	o.Settings["cluster-enabled"] = "yes"
	o.Settings["cluster-require-full-coverage"] = "no"
	o.Settings["cluster-node-timeout"] = strconv.FormatInt(timeout.Milliseconds(), 10)
	var addresses []string
	for range clusterNodes {
		node, err := newRedis(o)
		if err != nil {
			return err
		}
		c.Nodes = append(c.Nodes, node)
		if err := node.start(); err != nil {
			return err
		}
		addresses = append(addresses, node.Address)
	}
	address := url.URL{Scheme: "redis+cluster", Host: strings.Join(addresses, ",")}
	if o.Password != "" {
		address.User = url.UserPassword("", o.Password)
	}
	c.URL = address.String()
	for i, node := range c.Nodes {
		if err := c.join(i, node); err != nil {
			return err
		}
	}
	return c.agreed(clusterSlots)
}

// join gives a node its slots, and has it meet those before it.
func (c *ClusterServers) join(i int, node *RedisServer) error {
	first, last := c.Slots(i)
	commands := [][]string{
		{"CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i + 1)}, // two with one epoch would have to settle who is first
		{"CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last)},
	}
	for _, other := range c.Nodes[:i] {
		commands = append(commands, []string{"CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(other.Port), other.settings["cluster-port"]})
	}
	for _, command := range commands {
		if _, err := node.Try(command...); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(command, " "), err)
		}
	}
	return nil
}
