package conformance_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"larder/api"
	"larder/internal/testenv"
	"larder/internal/testenv/gateway"
)

// serveRedis serves what is kept in a Redis that the test has for itself.
func serveRedis(t *testing.T, url string, shards int) *client {
	t.Helper()
	s := gateway.OpenRedis(t, nil, gateway.RedisSetup{
		Shards: shards, Site: func(testing.TB) testenv.RedisSite { return testenv.RedisSite{URL: url} },
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return serveStore(t, s, gateway.Options{})
}

// TestRedisClusterNodeDownOverHTTP kills one node of a Cluster: what lies there is 503,
// all else is served, and lists and queries are not of a part of the table.
func TestRedisClusterNodeDownOverHTTP(t *testing.T) {
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{AppendOnly: true})
	c := serveRedis(t, cluster.URL, 16)
	var keys, gets, puts []string
	for i := range 60 {
		key := fmt.Sprintf("k%d", i)
		keys = append(keys, key)
		gets = append(gets, fmt.Sprintf(`{"op":"get","table":"t","key":%q}`, key))
		puts = append(puts, fmt.Sprintf(`{"op":"put","table":"t","key":%q,"value":2}`, key))
		c.put(key, `1`)
	}
	cluster.Kill(t, 1)
	down := make(map[string]bool)
	for _, key := range keys {
		switch a := c.do("GET", "/tables/t/keys/"+key, ""); a.status {
		case http.StatusOK:
			c.do("PUT", "/tables/t/keys/"+key, `1`).is(http.StatusOK)
		default:
			a.fails(http.StatusServiceUnavailable, "unavailable")
			c.do("PUT", "/tables/t/keys/"+key, `1`).fails(http.StatusServiceUnavailable, "unavailable")
			c.do("DELETE", "/tables/t/keys/"+key, "").fails(http.StatusServiceUnavailable, "unavailable")
			down[key] = true
		}
	}
	if len(down) < 5 || len(down) > 35 {
		t.Errorf("of %d keys %d are down with one node of three", len(keys), len(down))
	}
	for _, operations := range [][]string{gets, puts} {
		body := `{"operations":[` + strings.Join(operations, ",") + `]}`
		for i, r := range decode[api.BatchResponse](c.do("POST", "/batch", body).is(http.StatusOK)).Results {
			want := http.StatusOK
			if down[keys[i]] {
				want = http.StatusServiceUnavailable
			}
			if r.Status != want {
				t.Errorf("in a batch, %s is %d, want %d", operations[i], r.Status, want)
			}
		}
	}
	c.do("GET", "/tables/t/keys", "").fails(http.StatusServiceUnavailable, "unavailable")
	c.do("POST", "/tables/t/query", `{}`).fails(http.StatusServiceUnavailable, "unavailable")
	c.do("GET", "/tables", "").fails(http.StatusServiceUnavailable, "unavailable")
	c.do("GET", "/livez", "").is(http.StatusOK)

	cluster.Start(t, 1)
	for deadline := time.Now().Add(time.Minute); c.do("GET", "/readyz", "").status != http.StatusOK; {
		if time.Now().After(deadline) {
			t.Fatal("it is not ready")
		}
	}
	for _, key := range keys {
		want := `2`
		if down[key] {
			want = `1`
		}
		c.do("GET", "/tables/t/keys/"+key, "").holds(want)
	}
	c.do("GET", "/tables/t/keys", "").is(http.StatusOK)
}

// TestRedisFullOverHTTP has the server's memory be full.
func TestRedisFullOverHTTP(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"maxmemory-policy": "noeviction"}})
	c := serveRedis(t, server.URL, 1)
	c.put("k", `1`)
	c.put("other", `1`)
	server.Do(t, "CONFIG", "SET", "maxmemory", "1")
	p := c.do("PUT", keyPath, `2`).fails(http.StatusInsufficientStorage, "storage_full")
	if p.Retryable || !strings.Contains(p.Detail, "nothing was written") {
		t.Errorf("the problem is %+v", p)
	}
	c.do("GET", keyPath, "").holds(`1`)
	c.do("DELETE", "/tables/t/keys/other", "").is(http.StatusNoContent)
	server.Do(t, "CONFIG", "SET", "maxmemory", "0")
	c.do("PUT", keyPath, `2`).is(http.StatusOK)
}
