package redisstore

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// inspect asks a store about itself.
func inspect(t testing.TB, s *Store) (at store.Inspection, figures map[string]float64) {
	t.Helper()
	at, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	figures = make(map[string]float64)
	for _, f := range at.Figures {
		if _, again := figures[f.Name]; again || f.Help == "" || f.Counter != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("the figure %q is there twice, has no help, or is called as what it is not", f.Name)
		}
		figures[f.Name] = f.Value
	}
	return at, figures
}

// TestDurabilityAsServersHaveIt asks servers of every setting.
func TestDurabilityAsServersHaveIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options testenv.RedisOptions
		want    []string
		details map[string]string
	}{
		"always": {
			testenv.RedisOptions{AppendOnly: true},
			[]string{"synced to the Redis server's disk, and survives a crash of larder, of the server and of its host"},
			map[string]string{"appendonly": "yes", "appendfsync": "always", "save": "none", "maxmemory": "none", "maxmemory_policy": "noeviction", "deployment": "standalone", "role": "master"},
		},
		"always but": {
			testenv.RedisOptions{AppendOnly: true, Settings: map[string]string{"no-appendfsync-on-rewrite": "yes"}},
			[]string{"synced", "not those made while it rewrites"},
			map[string]string{"appendfsync": "always"},
		},
		"everysec": {
			testenv.RedisOptions{AppendOnly: true, AppendFsync: "everysec"},
			[]string{"those of the last second"},
			map[string]string{"appendfsync": "everysec"},
		},
		"no": {
			testenv.RedisOptions{AppendOnly: true, AppendFsync: "no"},
			[]string{"the last half minute"},
			map[string]string{"appendfsync": "no"},
		},
		"snapshots": {
			testenv.RedisOptions{Settings: map[string]string{"save": "3600 1 60 10000"}},
			[]string{"all since its last snapshot: appendonly is off"},
			map[string]string{"appendonly": "no", "save": "3600 1 60 10000"},
		},
		"nothing": {
			testenv.RedisOptions{},
			[]string{"a restart of the Redis server loses everything"},
			map[string]string{"appendonly": "no", "save": "none"},
		},
		"evicting": {
			testenv.RedisOptions{AppendOnly: true, Settings: map[string]string{"maxmemory": "100mb", "maxmemory-policy": "allkeys-lfu"}},
			[]string{"evicts keys when its memory is full (maxmemory-policy allkeys-lfu)", "no place to keep data", "has been synced"},
			map[string]string{"maxmemory": "104857600", "maxmemory_policy": "allkeys-lfu"},
		},
		"evicting none of larder's": {
			testenv.RedisOptions{AppendOnly: true, Settings: map[string]string{"maxmemory": "100mb", "maxmemory-policy": "volatile-lru"}},
			[]string{"has been synced"},
			map[string]string{"maxmemory_policy": "volatile-lru"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.StartRedis(t, c.options)
			f := openWith(t, Options{URL: server.URL, ReplyTimeout: 10 * time.Second})
			at, _ := inspect(t, f.Store)
			for _, want := range c.want {
				if !strings.Contains(at.Durability, want) {
					t.Errorf("it says %q, and not %q", at.Durability, want)
				}
			}
			if strings.Contains(at.Durability, "evicts") != strings.Contains(strings.Join(c.want, ""), "evicts") || strings.Contains(at.Durability, "replicas") {
				t.Errorf("it says %q", at.Durability)
			}
			for name, want := range c.details {
				if got := at.Details[name]; got != want {
					t.Errorf("%s is %q, not %q", name, got, want)
				}
			}
		})
	}
}

// TestConfigIsKeptSecret asks a server that lets nobody see its configuration.
func TestConfigIsKeptSecret(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		appendOnly bool
		want       string
	}{
		{true, "appendonly is on, and when it syncs the server does not tell"},
		{false, "everything where it makes none, which it does not tell: appendonly is off"},
	} {
		server := testenv.StartRedis(t, testenv.RedisOptions{AppendOnly: c.appendOnly, Settings: map[string]string{"maxmemory": "1gb", "maxmemory-policy": "allkeys-lru"}})
		server.Do(t, "ACL", "SETUSER", "default", "-config")
		at, _ := inspect(t, openWith(t, Options{URL: server.URL, ReplyTimeout: 10 * time.Second}).Store)
		if !strings.Contains(at.Durability, c.want) || !strings.Contains(at.Durability, "evicts") {
			t.Errorf("it says %q, and not %q", at.Durability, c.want)
		}
		for name, want := range map[string]string{"appendonly": yesOrNo(c.appendOnly), "appendfsync": "not told", "save": "not told", "maxmemory": "1073741824", "maxmemory_policy": "allkeys-lru"} {
			if got := at.Details[name]; got != want {
				t.Errorf("%s is %q, not %q", name, got, want)
			}
		}
	}
}

// TestInspectionBehindSentinels tells what a failover may lose.
func TestInspectionBehindSentinels(t *testing.T) {
	t.Parallel()
	servers := testenv.StartSentinel(t, testenv.RedisOptions{AppendOnly: true, Password: "s3cret"})
	f := openWith(t, Options{URL: servers.URL, ReplyTimeout: 10 * time.Second})
	f.apply(put("k", `"`+strings.Repeat("x", 10_000)+`"`))
	at, figures := inspect(t, f.Store)
	if !strings.Contains(at.Durability, "has been synced") || !strings.HasSuffix(at.Durability, "a failover may lose the last ones") {
		t.Errorf("it says %q", at.Durability)
	}
	if at.Details["deployment"] != "sentinel" || at.Details["replicas"] != "1" || at.Details["role"] != "master" || figures["replicas"] != 1 {
		t.Errorf("the details are %v, and %v replicas", at.Details, figures["replicas"])
	}
	for name, text := range at.Details {
		if strings.Contains(text, "127.0.0.1") || strings.Contains(text, "s3cret") {
			t.Errorf("%s is %s", name, text)
		}
	}
	poll(t, "the replica to have all", func() bool {
		_, figures := inspect(t, f.Store)
		return figures["replica_lag_bytes"] == 0
	})
	master := servers.Master(t)
	master.Do(t, "CONFIG", "SET", "min-replicas-to-write", "1", "min-replicas-max-lag", "7")
	if at, _ := inspect(t, f.Store); !strings.HasSuffix(at.Durability, "those of the last 7 s at most, by min-replicas-to-write") || at.Details["min_replicas_to_write"] != "1" {
		t.Errorf("it says %q, details %v", at.Durability, at.Details)
	}

	for _, node := range servers.Nodes {
		if node != master {
			node.Pause(t)
		}
	}
	master.Do(t, "CONFIG", "SET", "min-replicas-to-write", "0")
	f.apply(put("k", `"`+strings.Repeat("y", 10_000)+`"`))
	if _, figures := inspect(t, f.Store); figures["replica_lag_bytes"] < 10_000 {
		t.Errorf("the replica is %v bytes behind", figures["replica_lag_bytes"])
	}
}

// TestInspectionOfCluster adds up what the masters tell that hold the store, and
// counts the weakest.
func TestInspectionOfCluster(t *testing.T) {
	t.Parallel()
	c := testenv.StartRedisCluster(t, testenv.RedisOptions{AppendOnly: true})
	f := openWith(t, Options{URL: c.URL, Shards: 16, ReplyTimeout: 10 * time.Second})
	for i := range 64 {
		f.apply(put(strings.Repeat("k", i+1), `1`))
	}
	at, figures := inspect(t, f.Store)
	if !strings.HasPrefix(at.Durability, "an acknowledged write has been synced") || at.Details["servers"] != "3" || at.Details["deployment"] != "cluster" || at.Details["shards"] != "16" {
		t.Errorf("it says %q, details %v", at.Durability, at.Details)
	}
	keys := 0
	for _, node := range c.Nodes {
		n, _ := node.Do(t, "DBSIZE").(int64)
		keys += int(n)
	}
	if figures["keys"] != float64(keys) || figures["servers"] != 3 || keys < 64 {
		t.Errorf("there are %d keys, and it says %v at %v servers", keys, figures["keys"], figures["servers"])
	}
	c.Nodes[1].Do(t, "CONFIG", "SET", "appendfsync", "everysec", "maxmemory", "1gb")
	if at, figures = inspect(t, f.Store); !strings.HasPrefix(at.Durability, "of 3 servers the weakest counts: an acknowledged write survives a crash of larder; one of the Redis server") ||
		at.Details["appendfsync"] != "always, everysec" || at.Details["maxmemory"] != "1073741824, none" || figures["memory_max_bytes"] != 0 {
		t.Errorf("it says %q, details %v, and has %v bytes", at.Durability, at.Details, figures["memory_max_bytes"])
	}

	// All of this one is at one node, and the others don't matter.
	one := openWith(t, Options{URL: c.URL, Prefix: "one", Shards: 1, ReplyTimeout: 10 * time.Second})
	if at, _ := inspect(t, one.Store); at.Details["servers"] != "1" {
		t.Errorf("the details are %v", at.Details)
	}

	c.Kill(t, 1)
	if _, err := f.Inspect(t.Context()); store.CodeOf(err) != store.Unavailable {
		t.Errorf("with a node down it says %v", err)
	}
}

// TestFigures has figures move as what they count happens.
func TestFigures(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"maxmemory": "100mb"}})
	f := openWith(t, Options{URL: server.URL, CacheBytes: 1 << 20, CacheAge: time.Minute, ReplyTimeout: 10 * time.Second})
	_, before := inspect(t, f.Store)
	f.apply(put("a", `1`))
	f.apply(store.Op{Kind: store.Patch, Ref: ref("a"), Patch: []byte(`{"n":2}`), PatchType: store.MergePatch})
	poll(t, "a copy", func() bool { return f.recent("a").Source.Copy == memory })
	_, after := inspect(t, f.Store)
	for _, name := range []string{
		"scripted_batches_total", "evaluated_batches_total", "written_entries_total", "keys", "keyspace_hits_total", "unsaved_changes",
		"cache_hits_total", "cache_misses_total",
	} {
		if after[name] <= before[name] {
			t.Errorf("%s was %v and is %v", name, before[name], after[name])
		}
	}
	if after["memory_max_bytes"] != 100<<20 || after["memory_used_bytes"] <= 0 || after["connected_clients"] < 1 || after["evicted_keys_total"] != 0 || after["last_save_age_seconds"] < 0 {
		t.Errorf("the figures are %v", after)
	}
	poll(t, "time to pass since the last snapshot", func() bool {
		_, figures := inspect(t, f.Store)
		return figures["last_save_age_seconds"] > 0 && figures["last_save_age_seconds"] < 3600
	})

	// Without a memory there are no figures of one.
	_, without := inspect(t, f.beside(func(o *Options) { o.CacheBytes = 0 }).Store)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, there := without[name]; there == strings.HasPrefix(name, "cache_") {
			t.Errorf("without a memory %s is there: %v", name, there)
		}
	}
}
