package testenv

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// RedisURLVariable names the environment variable with the URL of a Redis
// server to test on, in which each test leaves keys under a prefix of its own.
// Without it each test process starts a server of its own.
const RedisURLVariable = "LARDER_TEST_REDIS_URL"

// RedisSite is where a test may keep what it has in Redis: a server, or several
// together, that it shares with others, and a prefix that is its own. What it
// does beyond its prefix would disturb them.
type RedisSite struct {
	URL    string
	Prefix string // for LARDER_REDIS_PREFIX
}

// Redis gives a site on a single server.
func Redis(t testing.TB) RedisSite {
	t.Helper()
	url, err := startSharedRedis()
	if err != nil {
		t.Fatalf("Redis: %v", err)
	}
	return newSite(url)
}

var startSharedRedis = sync.OnceValues(func() (string, error) {
	if given := os.Getenv(RedisURLVariable); given != "" {
		return given, nil
	}
	s, err := newRedis(RedisOptions{})
	if err != nil {
		return "", err
	}
	err = s.start()
	return s.URL, err
})

var sites atomic.Int64

func newSite(url string) RedisSite {
	return RedisSite{URL: url, Prefix: fmt.Sprintf("test-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), sites.Add(1))}
}
