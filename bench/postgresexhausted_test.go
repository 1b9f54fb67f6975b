package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// BenchmarkPostgresExhausted has all connections of the pool held by batches
// that wait for rows which somebody else has locked, and tells how long 64
// clients wait for their 503, and, once the rows are free, for a 200.
func BenchmarkPostgresExhausted(b *testing.B) {
	const pool, clients = 4, 64
	url := startPostgres(b)
	larder := startLarderOn(b, url, fmt.Sprintf("LARDER_POSTGRES_MAX_CONNECTIONS=%d", pool))
	load(b, larder, 4, 100, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
	for b.Loop() {
		release := lockRows(b, url)
		var held sync.WaitGroup
		for i := range pool {
			held.Go(func() {
				body := fmt.Sprintf(`{"atomic":true,"operations":[{"op":"increment","table":"locked","key":"%d","delta":1},{"op":"put","table":"locked","key":"other%[1]d","value":1}]}`, i)
				_, _ = timed(larder, send("POST", "/batch", []byte(body))) // it is late, and fails
			})
		}
		for refused := false; !refused; { // until all are held
			_, err := timed(larder, get(keyPath(1)))
			refused = err != nil && strings.Contains(err.Error(), " 503 ")
		}
		var mu sync.Mutex
		var waits []time.Duration
		var asked sync.WaitGroup
		for i := range clients {
			asked.Go(func() {
				request := get(keyPath(i))
				if i%2 == 1 {
					request = send("PUT", keyPath(i), document(i))
				}
				took, err := timed(larder, request)
				if err == nil || !strings.Contains(err.Error(), " 503 ") {
					b.Errorf("with no connection free, the answer is %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				waits = append(waits, took)
			})
		}
		asked.Wait()
		release()
		freed := time.Now()
		for {
			if _, err := timed(larder, get(keyPath(1))); err == nil {
				break
			}
		}
		b.ReportMetric(float64(time.Since(freed).Microseconds())/1000, "ms-to-recover")
		held.Wait()
		slices.Sort(waits)
		b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "ms-median")
		b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1000, "ms-most")
		b.ReportMetric(0, "ns/op")
	}
}

// timed sends one request on a connection of its own.
func timed(address string, request []byte) (time.Duration, error) {
	c, err := dial(address)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	began := time.Now()
	_, err = c.exchange(request)
	return time.Since(began), err
}

// lockRows locks some rows of a table of its own until what it gives is called.
func lockRows(b *testing.B, url string) (release func()) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	for _, sql := range []string{
		"begin",
		`insert into storage_entries (table_name, key, value, version, created_at, updated_at, deleted, xid, sequence)
select 'locked', n::text, '1', 1, now(), now(), false, pg_current_xact_id(), n from generate_series(0, 63) n on conflict do nothing`,
		"select from storage_entries where table_name = 'locked' for update",
	} {
		if _, err := conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	return func() {
		_, err := conn.Exec(b.Context(), "commit")
		if closed := conn.Close(context.WithoutCancel(b.Context())); err == nil {
			err = closed
		}
		if err != nil {
			b.Error(err)
		}
	}
}
