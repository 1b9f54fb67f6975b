package bench

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"larder/internal/testenv"
)

// BenchmarkPostgresMemory tells what larder over PostgreSQL holds in memory: with
// nothing to do, for each idle connection of a client and of the pool, and while
// it serves 1,000 requests at once.
func BenchmarkPostgresMemory(b *testing.B) {
	url := startPostgres(b)
	binary := testenv.Build(b)
	idle := func(pool int) float64 {
		l := binary.Serve(b, testenv.Options{Env: []string{
			"LARDER_PRIMARY=" + url, fmt.Sprintf("LARDER_POSTGRES_MIN_CONNECTIONS=%d", pool), "LARDER_POSTGRES_MAX_CONNECTIONS=60",
		}})
		load(b, l.Address, 8, keys, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
		at, _ := memory(b, l.PID)
		return at
	}
	for b.Loop() {
		few, many := idle(2), idle(52)
		b.ReportMetric((many-few)*1024/50, "KiB/pool-connection")

		l := binary.Serve(b, testenv.Options{Env: []string{"LARDER_PRIMARY=" + url}})
		load(b, l.Address, 8, keys, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
		before, _ := memory(b, l.PID)
		b.ReportMetric(before, "MiB-idle")
		const connections = 1000
		var open []net.Conn
		for range connections {
			c, err := dial(l.Address)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := c.exchange(get(keyPath(1))); err != nil {
				b.Fatal(err)
			}
			open = append(open, c.conn)
		}
		after, _ := memory(b, l.PID)
		b.ReportMetric((after-before)*1024/connections, "KiB/client-connection")
		for _, conn := range open {
			conn.Close()
		}
		b.ReportMetric(peak(b, l, connections), "MiB-at-1000-requests")
		b.ReportMetric(0, "ns/op")
	}
}

// peak is the most memory seen while so many clients put and get at once.
func peak(b *testing.B, l *testenv.Larder, clients int) float64 {
	b.Helper()
	most := 0.0
	done := make(chan struct{})
	var watched sync.WaitGroup
	watched.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				now, _ := memory(b, l.PID)
				most = max(most, now)
			}
		}
	})
	load(b, l.Address, clients, 100_000, func(i int) []byte {
		if i%10 == 0 {
			return send("PUT", keyPath(i), document(i))
		}
		return get(keyPath(i))
	})
	close(done)
	watched.Wait()
	return most
}
