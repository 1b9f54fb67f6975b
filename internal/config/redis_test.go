package config

import (
	"strings"
	"testing"
	"time"
)

func TestRedisAddresses(t *testing.T) {
	for address, shown := range map[string]string{
		"redis://cache":             "redis://cache",
		"redis://:s3cret@cache/1":   "redis://:xxxxx@cache/1",
		"redis://s3cret@cache":      "redis://xxxxx@cache",
		"rediss://ada:s3cret@[::1]": "rediss://ada:xxxxx@[::1]",
		"redis+sentinel://ada:s3cret@a:1,b:2,[::1]:3/mine?sentinel_password=s3cret": "redis+sentinel://ada:xxxxx@a:1,b:2,[::1]:3/mine?sentinel_password=xxxxx",
		"rediss+sentinel://a,b/mine/0":        "rediss+sentinel://a,b/mine/0",
		"redis+cluster://:s3cret@a,b:2":       "redis+cluster://:xxxxx@a,b:2",
		"rediss+cluster://a,b?ca=/etc/ca.pem": "rediss+cluster://a,b?ca=/etc/ca.pem",
	} {
		cfg, err := Load(Source{Environ: []string{"LARDER_PRIMARY=" + address, "REDIS_HOST=a,b"}})
		if err != nil || cfg.Primary != address {
			t.Errorf("%s is read as %s, %v", address, cfg.Primary, err)
		}
		if got := HideSecrets(cfg.Primary); got != shown {
			t.Errorf("%s is shown as %s, want %s", address, got, shown)
		}
	}
}

func TestRedisSettings(t *testing.T) {
	cfg, err := Load(Source{Environ: []string{
		"LARDER_REDIS_PREFIX=my:shop_1.a-b", "LARDER_REDIS_SHARDS=1024", "LARDER_REDIS_CACHE=0", "LARDER_REDIS_CACHE_AGE=10ms", "LARDER_REDIS_CONNECT_TIMEOUT=300ms",
	}})
	if err != nil || cfg.RedisPrefix != "my:shop_1.a-b" || cfg.RedisShards != 1024 || cfg.RedisCache != 0 ||
		cfg.RedisCacheAge != 10*time.Millisecond || cfg.RedisConnectTimeout != 300*time.Millisecond {
		t.Errorf("got %+v, %v", cfg, err)
	}
	for setting, want := range map[string]string{
		"PRIMARY=redis://u:s3cret@a,b%zz":          "not a URL whose scheme names a backend",
		"PRIMARY=redis+cluster://u:s3cret%zz@a,b":  "not a URL whose scheme names a backend",
		"PRIMARY=redis://u:s3/cret@a":              "not a URL whose scheme names a backend",
		"REDIS_PREFIX={a}":                         "a prefix has 1 to 64 letters",
		"REDIS_PREFIX=a b":                         "a prefix has 1 to 64 letters",
		"REDIS_PREFIX=" + strings.Repeat("x", 65):  "a prefix has 1 to 64 letters",
		"REDIS_SHARDS=1025":                        "1025 is out of range; it lies between 0 and 1024",
		"REDIS_SHARDS=-1":                          "-1 is out of range",
		"REDIS_CACHE=lots":                         "is not a size",
		"REDIS_CACHE=2048GiB":                      "2048GiB is out of range; it lies between 0 and 1024GiB",
		"REDIS_CACHE_AGE=0s":                       "0s is out of range",
		"REDIS_CACHE_AGE=61s":                      "1m1s is out of range; it lies between 10ms and 1m0s",
		"REDIS_CONNECT_TIMEOUT=9ms":                "9ms is out of range",
		"REDIS_PREFIXES=redis://:s3cret@elsewhere": "did you mean LARDER_REDIS_PREFIX?",
	} {
		_, err := Load(Source{Environ: []string{"LARDER_" + setting}})
		name, _, _ := strings.Cut(setting, "=")
		if err == nil || !strings.Contains(err.Error(), "LARDER_"+name) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3") {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

func TestLinksToAServiceNamedLarderRedisAreNoSettings(t *testing.T) {
	if _, err := Load(Source{Environ: []string{
		"LARDER_REDIS_SERVICE_HOST=10.0.0.2", "LARDER_REDIS_SERVICE_PORT=6379", "LARDER_REDIS_PORT=tcp://10.0.0.2:6379",
		"LARDER_REDIS_PORT_6379_TCP=tcp://10.0.0.2:6379", "LARDER_REDIS_PORT_6379_TCP_ADDR=10.0.0.2",
	}}); err != nil {
		t.Errorf("what Kubernetes sets is refused: %v", err)
	}
}
