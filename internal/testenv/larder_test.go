package testenv_test

import (
	"slices"
	"strings"
	"testing"

	"larder/internal/testenv"
)

func TestEnvironHasNoSettings(t *testing.T) {
	for _, name := range []string{"LARDER_PRIMARY", "POSTGRES_HOST", "REDIS_PASSWORD_FILE"} {
		t.Setenv(name, "whoever's")
	}
	t.Setenv("OTHER", "kept")
	left := slices.DeleteFunc(testenv.Environ(), func(pair string) bool { return pair == "OTHER=kept" })
	if slices.ContainsFunc(left, func(pair string) bool { return strings.HasSuffix(pair, "=whoever's") }) {
		t.Errorf("there are settings left: %q", left)
	}
	if len(left) == len(testenv.Environ()) {
		t.Error("what is no setting is gone too")
	}
}
