package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"larder/internal/testenv"
)

// BenchmarkPostgresQuery finds 20 of 1,000,000 entries by an index: through
// larder, and by the same SQL in psql. Units are queries, at one client.
func BenchmarkPostgresQuery(b *testing.B) {
	url := startPostgres(b)
	larder := startLarderOn(b, url)
	fill(b, larder, "people", 1_000_000)
	load(b, larder, 1, 1, func(int) []byte {
		return send("PUT", "/tables/people/indexes/by_id", []byte(`{"fields":[{"path":"/id","type":"number"}]}`))
	})
	psql(b, url, "vacuum analyze storage_entries;")
	query := func(i int) []byte {
		from := i * 7919 % 999_000
		return send("POST", "/tables/people/query", fmt.Appendf(nil,
			`{"filter":{"and":[{"path":"/id","op":"gte","value":%d},{"path":"/id","op":"lt","value":%d}]},"sort":[{"path":"/id","order":"asc"}],"limit":20}`, from, from+20))
	}
	const n = 2_000
	var script strings.Builder
	for i := range n {
		from := i * 7919 % 999_000
		const id = `(case jsonb_typeof(value #> '{id}') when 'number' then (value #> '{id}')::numeric end)` // as the index has it
		fmt.Fprintf(&script, "select table_name, key, value, version, created_at, updated_at, expires_at, metadata from storage_entries "+
			"where table_name = 'people' and not deleted and (expires_at is null or expires_at > now()) and %s >= %d and %s < %d order by %s, key limit 21;\n", id, from, id, from+20, id)
	}
	for b.Loop() {
		compare(b, n, func(b *testing.B, _ int) { psql(b, url, script.String()) }, func(b *testing.B, n int) { load(b, larder, 1, n, query) })
	}
}

// psql runs a script in one psql.
func psql(b *testing.B, url, script string) {
	b.Helper()
	program, err := testenv.PostgresBinary("psql")
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "script.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		b.Fatal(err)
	}
	out, err := exec.CommandContext(b.Context(), program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file="+file, url).CombinedOutput()
	if err != nil {
		b.Fatalf("psql: %v\n%s", err, out)
	}
}
