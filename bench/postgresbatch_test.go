package bench

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// What a program would write by hand to put and get a hundred entries at once.
const (
	upsertRowsSQL = `
insert into storage_entries as e (table_name, key, value, version, created_at, updated_at, deleted, xid, sequence)
select 'bench', i.k, i.v::jsonb, 1, now(), now(), false, pg_current_xact_id(), i.n
from unnest($1::text[], $2::text[]) with ordinality as i (k, v, n)
on conflict (table_name, key) do update set value = excluded.value, version = e.version + 1, updated_at = excluded.updated_at, xid = excluded.xid, sequence = excluded.sequence
returning key, version, created_at, updated_at`
	readRowsSQL = `select key, value, version, created_at, updated_at, expires_at, metadata from storage_entries where table_name = 'bench' and key = any ($1)`
)

const batchKeys = 100

// BenchmarkPostgresBatch puts a hundred entries by one POST /batch, and by the
// same statement through pgx alone; then gets them. Units are entries, at one
// client.
func BenchmarkPostgresBatch(b *testing.B) {
	url := startPostgres(b)
	larder := startLarderOn(b, url)
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(b.Context()) })
	const batches = 100
	puts, gets := make([][]byte, batches), make([][]byte, batches)
	names, texts := make([][]string, batches), make([][]string, batches)
	for i := range batches {
		var get bytes.Buffer
		for n := range batchKeys {
			key := fmt.Sprintf("user%07d", i*batchKeys+n)
			names[i], texts[i] = append(names[i], key), append(texts[i], string(document(i*batchKeys+n)))
			if n > 0 {
				get.WriteByte(',')
			}
			fmt.Fprintf(&get, `{"op":"get","table":"bench","key":%q}`, key)
		}
		puts[i] = send("POST", "/batch", bytes.Replace(batchOf(i*batchKeys, batchKeys, "bench"), []byte(`{`), []byte(`{"atomic":true,`), 1))
		gets[i] = send("POST", "/batch", fmt.Appendf(nil, `{"atomic":true,"operations":[%s]}`, &get))
	}
	through := func(requests [][]byte) contestant {
		return func(b *testing.B, n int) {
			load(b, larder, 1, n/batchKeys, func(i int) []byte { return requests[i%batches] })
		}
	}
	b.Run("put", func(b *testing.B) {
		for b.Loop() {
			compare(b, 50_000, func(b *testing.B, n int) {
				for i := range n / batchKeys {
					alone(b, conn, upsertRowsSQL, names[i%batches], texts[i%batches])
				}
			}, through(puts))
		}
	})
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			compare(b, 100_000, func(b *testing.B, n int) {
				for i := range n / batchKeys {
					alone(b, conn, readRowsSQL, names[i%batches])
				}
			}, through(gets))
		}
	})
}

// alone runs a statement and reads what it gives.
func alone(b *testing.B, conn *pgx.Conn, sql string, args ...any) {
	b.Helper()
	rows, err := conn.Query(b.Context(), sql, args...)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		if len(rows.FieldDescriptions()) == 4 {
			var key string
			var version int64
			var created, updated time.Time
			err = rows.Scan(&key, &version, &created, &updated)
		} else {
			var key string
			var value, metadata []byte
			var version int64
			var created, updated, expires *time.Time
			err = rows.Scan(&key, &value, &version, &created, &updated, &expires, &metadata)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
}
