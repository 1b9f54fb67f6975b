package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"larder/internal/testenv"
)

// startPostgres starts a server that keeps what it commits, as in production,
// and gives the URL of its database.
func startPostgres(b *testing.B) string {
	b.Helper()
	return testenv.StartPostgres(b, testenv.PostgresOptions{
		Durable:  true,
		Settings: map[string]string{"shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "1h"},
	}).URL("postgres")
}

// startLarderOn starts larder over PostgreSQL, and gives its address.
func startLarderOn(b *testing.B, url string, env ...string) string {
	b.Helper()
	return testenv.Build(b).Serve(b, testenv.Options{Env: append([]string{"LARDER_PRIMARY=" + url}, env...)}).Address
}

// rowSQL is what pgbench does: one entry of larder's table, put and read, as a
// program would that had only this to do.
const (
	upsertRowSQL = `\set id random(0, 9999)
insert into storage_entries as e (table_name, key, value, version, created_at, updated_at, deleted, xid, sequence)
values ('bench', 'user' || lpad(:id::text, 6, '0'), '%s', 1, now(), now(), false, pg_current_xact_id(), 0)
on conflict (table_name, key) do update set value = excluded.value, version = e.version + 1, updated_at = excluded.updated_at, xid = excluded.xid
returning version;
`
	readRowSQL = `\set id random(0, 9999)
select value, version, updated_at from storage_entries where table_name = 'bench' and key = 'user' || lpad(:id::text, 6, '0');
`
)

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// pgbench runs a script with so many clients, and gives transactions a second.
// Units are transactions.
func pgbench(b *testing.B, url, script string, clients, n int) float64 {
	b.Helper()
	program, err := testenv.PostgresBinary("pgbench")
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "script.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		b.Fatal(err)
	}
	out, err := exec.CommandContext(b.Context(), program, "--no-vacuum", "--protocol=prepared",
		"--client="+strconv.Itoa(clients), "--jobs=2", "--transactions="+strconv.Itoa(max(1, n/clients)),
		"--file="+file, url).CombinedOutput()
	found := tps.FindSubmatch(out)
	if err != nil || found == nil {
		b.Fatalf("pgbench: %v\n%s", err, out)
	}
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}

// against lets pgbench and larder take turns.
func against(b *testing.B, n int, theirs func() float64, larder contestant) {
	b.Helper()
	var ratios, base, subject []float64
	for range rounds {
		before := theirs()
		after := rate(b, n, larder)
		base, subject = append(base, before), append(subject, after)
		ratios = append(ratios, after/before)
	}
	b.ReportMetric(median(base), "base/s")
	b.ReportMetric(median(subject), "larder/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkPostgresPut puts values of 300 bytes at 64 clients: through larder,
// and the same upsert by pgbench.
func BenchmarkPostgresPut(b *testing.B) {
	url := startPostgres(b)
	larder := startLarderOn(b, url)
	load(b, larder, 32, keys, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
	script := fmt.Sprintf(upsertRowSQL, bytes.ReplaceAll(document(1), []byte("'"), []byte("''")))
	for b.Loop() {
		against(b, 40_000, func() float64 { return pgbench(b, url, script, 64, 40_000) }, putAt(larder, 64))
	}
}

// BenchmarkPostgresGather puts values at 64 clients with writes gathered, and
// without, at each of several sizes of the pool; the best of those counts.
func BenchmarkPostgresGather(b *testing.B) {
	url := startPostgres(b)
	gathered := startLarderOn(b, url)
	best, off := 0.0, ""
	for _, size := range []int{4, 8, 16, 32, 64} {
		address := startLarderOn(b, url, "LARDER_POSTGRES_GATHER=false", fmt.Sprintf("LARDER_POSTGRES_MAX_CONNECTIONS=%d", size), "LARDER_POSTGRES_ACQUIRE_TIMEOUT=30s")
		putAt(address, 64)(b, 5_000)
		if r := rate(b, 20_000, putAt(address, 64)); r > best {
			best, off = r, address
		}
	}
	for b.Loop() {
		compare(b, 30_000, putAt(off, 64), putAt(gathered, 64))
	}
}

// BenchmarkPostgresOneClient is the same at one client, where there is nothing
// to gather: what it costs then.
func BenchmarkPostgresOneClient(b *testing.B) {
	url := startPostgres(b)
	off, gathered := startLarderOn(b, url, "LARDER_POSTGRES_GATHER=false"), startLarderOn(b, url)
	putAt(off, 1)(b, 500)
	putAt(gathered, 1)(b, 500)
	for b.Loop() {
		compare(b, 2_000, putAt(off, 1), putAt(gathered, 1))
	}
}

// BenchmarkPostgresGet reads values of 300 bytes at 32 clients: through larder,
// without a cache, and by pgbench.
func BenchmarkPostgresGet(b *testing.B) {
	url := startPostgres(b)
	larder := startLarderOn(b, url)
	load(b, larder, 32, keys, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
	getAt(larder)(b, 20_000)
	for b.Loop() {
		against(b, 100_000, func() float64 { return pgbench(b, url, readRowSQL, 32, 100_000) }, getAt(larder))
	}
}

// BenchmarkPostgresListing lists entries of 300 bytes, pages of 1,000. Units are
// entries.
func BenchmarkPostgresListing(b *testing.B) {
	larder := startLarderOn(b, startPostgres(b))
	fill(b, larder, "listed", 20_000)
	request := get("/tables/listed/keys?limit=1000&start=user0005000")
	for b.Loop() {
		b.ReportMetric(rate(b, 100_000, func(b *testing.B, n int) {
			load(b, larder, 1, n/1000, func(int) []byte { return request })
		}), "entries/s")
		b.ReportMetric(0, "ns/op")
	}
}
