package main

import (
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"larder/internal/testenv"
)

func TestServeOverRedis(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{Password: "s3cret"})
	first := start(t, "LARDER_PRIMARY="+server.URL, "LARDER_REDIS_PREFIX=theirs", "LARDER_REDIS_SHARDS=3", "LARDER_REDIS_CACHE=0")
	first.must("", "put", "users", "ada", `{"n": 1}`)

	// Another larder over the same entries, told by the variables of many a service that uses Redis.
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	second := start(t,
		"LARDER_PRIMARY=", "REDIS_HOST="+u.Hostname(), "REDIS_PORT="+u.Port(), "REDIS_PASSWORD=s3cret", "REDIS_DB=0", "LARDER_REDIS_PREFIX=theirs",
	)
	if got := second.must("", "get", "users", "ada"); strings.TrimSpace(got) != `{"n":1}` {
		t.Errorf("the other larder has %s", got)
	}
	keys, ok := server.Do(t, "KEYS", "*").([]any)
	for _, key := range keys {
		if name, ok := key.(string); !ok || !strings.HasPrefix(name, "theirs{") {
			t.Errorf("a key is called %v", key)
		}
	}
	if !ok || len(keys) == 0 {
		t.Errorf("the keys are %v", keys)
	}
	r := call(t, []string{"LARDER_PRIMARY=" + server.URL, "LARDER_REDIS_PREFIX=theirs", "LARDER_REDIS_SHARDS=4", "LARDER_LISTEN=127.0.0.1:0", "LARDER_LOG_LEVEL=error"}, "", "serve")
	if r.code != exitFailed || !strings.Contains(r.err, "was made with 3 shards") {
		t.Errorf("with another number of shards it exits with %d:\n%s%s", r.code, r.out, r.err)
	}
}

func TestServeOverSentinelAndCluster(t *testing.T) {
	for name, site := range map[string]testenv.RedisSite{"sentinel": testenv.RedisSentinel(t), "cluster": testenv.RedisCluster(t)} {
		larder := start(t, "LARDER_PRIMARY="+site.URL, "LARDER_REDIS_PREFIX="+site.Prefix)
		larder.must("", "put", "users", "ada", `{"n": 1}`)
		if got := larder.must("", "get", "users", "ada"); strings.TrimSpace(got) != `{"n":1}` {
			t.Errorf("%s: it has %s", name, got)
		}
	}
}

// TestServeWaitsForRedis starts larder before Redis.
func TestServeWaitsForRedis(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	server.Stop(t)
	larder := launch(t, "LARDER_PRIMARY="+server.URL)
	for deadline := time.Now().Add(patience); len(larder.logged("the backend does not serve yet; larder waits for it")) == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("it does not wait: %v", larder.logged("ready"))
		}
	}
	server.Start(t)
	larder.await()
	larder.must("", "put", "users", "ada", `{"n": 1}`)
	if got := larder.must("", "get", "users", "ada"); strings.TrimSpace(got) != `{"n":1}` {
		t.Errorf("it has %s", got)
	}
}

func TestServeSaysWhyThereIsNoRedis(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{Password: "s3cret"})
	for name, tt := range map[string]struct {
		env  []string
		code int
		want string
	}{
		"a wrong password": {[]string{"LARDER_PRIMARY=redis://:n0ne@" + server.Address}, exitFailed, "larder: LARDER_PRIMARY: the Redis server refuses the user or the password"},
		"no password":      {[]string{"LARDER_PRIMARY=redis://" + server.Address}, exitFailed, "larder: LARDER_PRIMARY: the Redis server asks for a password"},
		"no such form":     {[]string{"LARDER_PRIMARY=redis+sentinel://:s3cret@" + server.Address}, exitUsage, "larder: LARDER_PRIMARY: the URL's path names the master that the sentinels watch"},
		"no such setting":  {[]string{"LARDER_PRIMARY=redis://:s3cret@" + server.Address + "?timeout=s3cret"}, exitUsage, `larder: LARDER_PRIMARY: the URL has the parameter "timeout"`},
		"by variables":     {[]string{"REDIS_HOST=a,b", "REDIS_PASSWORD=s3cret"}, exitUsage, "larder: REDIS_HOST: this is one host"},
	} {
		r := call(t, append(tt.env, "LARDER_LISTEN=127.0.0.1:0", "LARDER_LOG_LEVEL=error"), "", "serve")
		if r.code != tt.code || !strings.Contains(r.err, tt.want) || strings.Contains(r.err+r.out, "s3cret") || strings.Contains(r.err+r.out, "n0ne") {
			t.Errorf("%s: exits with %d:\n%s%s", name, r.code, r.out, r.err)
		}
	}
}
