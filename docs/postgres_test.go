package docs

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"larder/internal/testenv"
)

// awaitStandby waits until a larder that was told of the standby uses it.
func (s servers) awaitStandby(t *testing.T, larder *testenv.Larder, settings string) {
	t.Helper()
	if !strings.Contains(settings, shownStandby) {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	look := terminal{dir: t.TempDir(), env: environ()}
	for {
		seen, err := look.run(ctx, "curl -s "+larder.URL+"/backends/primary")
		if err != nil {
			t.Fatalf("the standby is not used: %v\n%s", err, seen)
		}
		if strings.Contains(seen, "in use, ") {
			return
		}
	}
}

// postgresPrograms is the directory of psql and pg_dump.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	psql, err := testenv.PostgresBinary("psql")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(psql)
}

// environ is the test's environment without what larder and PostgreSQL's
// programs take settings from.
func environ() []string {
	return slices.DeleteFunc(testenv.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "PG") })
}
