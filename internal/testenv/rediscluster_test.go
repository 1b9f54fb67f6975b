package testenv_test

import (
	"fmt"
	"strings"
	"testing"

	"larder/internal/testenv"
)

func TestClusterLosesANode(t *testing.T) {
	t.Parallel()
	c := testenv.StartRedisCluster(t, testenv.RedisOptions{AppendOnly: true})
	if want := "redis+cluster://" + c.Nodes[0].Address + "," + c.Nodes[1].Address + "," + c.Nodes[2].Address; c.URL != want {
		t.Errorf("the URL is %s", c.URL)
	}
	keys := make([]string, len(c.Nodes)) // one at each node
	for i, missing := 0, len(keys); missing > 0; i++ {
		key := fmt.Sprintf("{%d}", i)
		if at := c.NodeOf(t, key); keys[at] == "" {
			keys[at] = key
			missing--
			c.Nodes[at].Do(t, "SET", key, "v")
		}
	}
	c.Kill(t, 1)
	c.AwaitDown(t)
	for _, i := range []int{0, 2} {
		if got := c.Nodes[i].Do(t, "GET", keys[i]); got != "v" {
			t.Errorf("node %d has %v while another is down", i, got)
		}
		if _, err := c.Nodes[i].Try("GET", keys[1]); err == nil || !strings.HasPrefix(err.Error(), "MOVED ") || !strings.HasSuffix(err.Error(), " "+c.Nodes[1].Address) {
			t.Errorf("node %d asked for a key of one that is down: %v", i, err)
		}
	}
	c.Start(t, 1)
	if got := c.Nodes[1].Do(t, "GET", keys[1]); got != "v" {
		t.Errorf("the node that is back has %v", got)
	}
}

func TestClusterSlots(t *testing.T) {
	t.Parallel()
	next := 0
	c := &testenv.ClusterServers{}
	for i := range 3 {
		first, last := c.Slots(i)
		if first != next || last < first {
			t.Errorf("node %d has the slots %d to %d", i, first, last)
		}
		next = last + 1
	}
	if next != 16384 {
		t.Errorf("%d slots are served", next)
	}
}

func TestSharedCluster(t *testing.T) {
	t.Parallel()
	a, b := testenv.RedisCluster(t), testenv.RedisCluster(t)
	if a.URL != b.URL || a.Prefix == b.Prefix || strings.Count(a.URL, ",") != 2 {
		t.Errorf("two tests have %v and %v", a, b)
	}
}
