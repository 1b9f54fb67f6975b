package testenv_test

import (
	"os"
	"testing"

	"larder/internal/testenv"
)

func TestRedisSites(t *testing.T) {
	t.Parallel()
	a, b := testenv.Redis(t), testenv.Redis(t)
	if a.URL != b.URL {
		t.Errorf("one process has servers at %s and %s", a.URL, b.URL)
	}
	if given := os.Getenv(testenv.RedisURLVariable); given != "" && a.URL != given {
		t.Errorf("the server is at %s, not the one given", a.URL)
	}
	if a.Prefix == b.Prefix || a.Prefix == "" || len(a.Prefix) > 64 {
		t.Errorf("the prefixes are %q and %q", a.Prefix, b.Prefix)
	}
}
