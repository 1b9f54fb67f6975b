package backend

import (
	"errors"
	"strings"
	"testing"

	"larder/internal/store"
	"larder/internal/testenv"
)

func TestOpenTakesRedisURLs(t *testing.T) {
	for scheme, site := range map[string]testenv.RedisSite{
		"redis://": testenv.Redis(t), "redis+sentinel://": testenv.RedisSentinel(t), "redis+cluster://": testenv.RedisCluster(t),
	} {
		if !strings.HasPrefix(site.URL, scheme) {
			t.Fatalf("%s is not %s", site.URL, scheme)
		}
		s, err := Open(t.Context(), site.URL, Options{Name: "first", Redis: Redis{Prefix: site.Prefix, Shards: 2}})
		if err != nil {
			t.Fatalf("%s: %v", site.URL, err)
		}
		if name := s.Info().Name; name != "first" {
			t.Errorf("%s: the store is called %q", site.URL, name)
		}
		if _, err := s.Tables(t.Context()); err != nil {
			t.Errorf("%s: Tables: %v", site.URL, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: Close: %v", site.URL, err)
		}
	}
}

func TestOpenFailsAsRedisDoes(t *testing.T) {
	site := testenv.Redis(t)
	open := func(url string, shards int) error {
		s, err := Open(t.Context(), url, Options{Redis: Redis{Prefix: site.Prefix, Shards: shards}})
		if err != nil {
			return err
		}
		return s.Close()
	}
	if err := open(site.URL, 3); err != nil {
		t.Fatal(err)
	}
	if err := open(site.URL, 4); !errors.Is(err, store.Unavailable) || !strings.Contains(store.AsError(err).Detail, "3 shards") {
		t.Errorf("another number of shards: %v", err)
	}
	for _, scheme := range []string{"rediss", "rediss+sentinel", "rediss+cluster"} {
		if err := open(scheme+"://127.0.0.1/master?ca=/nowhere", 0); !errors.Is(err, store.InvalidOperation) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	if _, err := OpenSchema(t.Context(), site.URL, Options{}); !errors.Is(err, store.Unsupported) {
		t.Errorf("the schema of a Redis: %v", err)
	}
}
