package testenv_test

import (
	"testing"

	"larder/internal/testenv"
)

func TestRedisSites(t *testing.T) {
	t.Parallel()
	a, b := testenv.Redis(t), testenv.Redis(t)
	if a.URL != b.URL {
		t.Errorf("one process has servers at %s and %s", a.URL, b.URL)
	}
	if a.Prefix == b.Prefix || a.Prefix == "" || len(a.Prefix) > 64 {
		t.Errorf("the prefixes are %q and %q", a.Prefix, b.Prefix)
	}
}
