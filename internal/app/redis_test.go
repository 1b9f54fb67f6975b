package app

import (
	"encoding/json"
	"strings"
	"testing"

	"larder/api"
	"larder/internal/config"
	"larder/internal/testenv"
)

// overRedis are settings for a gateway over a server, given by its URL.
func overRedis(t *testing.T, url string) config.Config {
	t.Helper()
	cfg := settings(t)
	cfg.Primary = url
	cfg.RedisCache = 1 << 20
	return cfg
}

// TestRedisTellsAboutItself asks what a gateway says of a Redis over HTTP, in its
// metrics and in its log.
func TestRedisTellsAboutItself(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{AppendOnly: true, AppendFsync: "everysec", Password: "s3cret", Settings: map[string]string{"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}})
	s := start(t, overRedis(t, server.URL), Options{})
	warned := s.logged("Redis evicts keys when its memory is full, entries among them: set maxmemory-policy to noeviction")
	if warned["level"] != "warn" || warned["backend"] != config.PrimaryName {
		t.Errorf("the warning is %v", warned)
	}
	ready := s.logged("ready")
	base := "http://" + ready["address"].(string)
	_, body := get(t, base+"/backends/"+config.PrimaryName)
	var b api.Backend
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		t.Fatal(err)
	}
	if b.Engine != "redis" || b.State != api.BackendStateUp || !strings.Contains(b.Durability, "those of the last second") || !strings.Contains(b.Durability, "no place to keep data") {
		t.Errorf("got %s", body)
	}
	if ready["durability"] != b.Durability {
		t.Errorf("the log says %q, and HTTP %q", ready["durability"], b.Durability)
	}
	for name, want := range map[string]string{
		"deployment": "standalone", "prefix": "larder", "shards": "1", "appendonly": "yes", "appendfsync": "everysec",
		"maxmemory": "104857600", "maxmemory_policy": "allkeys-lru", "replicas": "0",
	} {
		if b.Details[name] != want {
			t.Errorf("%s is %q, not %q", name, b.Details[name], want)
		}
	}
	if strings.Contains(body, "127.0.0.1") || strings.Contains(body, "s3cret") {
		t.Errorf("it tells more than it may: %s", body)
	}
	get(t, base+"/tables/users/keys/nobody")
	figuresAgree(t, base, "memory_used_bytes", "memory_max_bytes", "keyspace_misses_total", "connected_clients", "cache_misses_total")
}

// TestRedisThatIsGoneTellsNothing has the server go while the gateway runs.
func TestRedisThatIsGoneTellsNothing(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	s := start(t, overRedis(t, server.URL), Options{})
	s.logged("Redis saves nothing, and a restart of it loses all entries: set appendonly to yes")
	base := "http://" + s.logged("ready")["address"].(string)
	server.Kill(t)
	soon(t, "it to be told", func() bool {
		_, body := get(t, base+"/backends/"+config.PrimaryName)
		return strings.Contains(body, `"state":"down"`) && strings.Contains(body, `"durability":"unknown"`)
	})
	if _, body := get(t, base+"/metrics"); !strings.Contains(body, `larder_backend_inspection_success{backend="primary"} 0`) {
		t.Error("/metrics does not say that nothing is known")
	}
}
