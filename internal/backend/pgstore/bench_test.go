package pgstore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/value"
)

// openBench opens a store on a server that keeps what it commits.
func openBench(b *testing.B, o Options) *Store {
	b.Helper()
	server := testenv.StartPostgres(b, testenv.PostgresOptions{Durable: true})
	o.URL = server.URL("postgres")
	s, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// document is a value of 300 bytes.
func document(i int) value.Value {
	return value.MustParse(fmt.Sprintf(`{"id":%d,"name":"name of %d","text":"%0240d"}`, i, i, i))
}

// BenchmarkPut writes 10,000 keys over and over, by so many clients.
func BenchmarkPut(b *testing.B) {
	for _, gather := range []bool{false, true} {
		s := openBench(b, Options{NoGather: !gather, MaxConnections: 16, AcquireTimeout: time.Minute})
		for _, clients := range []int{1, 8, 32, 64} {
			b.Run(fmt.Sprintf("gather=%v/clients=%d", gather, clients), func(b *testing.B) {
				var next atomic.Int64
				var wg sync.WaitGroup
				for range clients {
					wg.Go(func() {
						for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
							op := store.Op{Kind: store.Put, Ref: store.Ref{Table: "bench", Key: fmt.Sprintf("key-%05d", i*7919%10_000)}, Value: document(i)}
							if _, err := s.Apply(b.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
				b.ReportMetric(float64(s.tallies.requests.Load())/float64(s.tallies.commits.Load()), "puts/commit")
			})
		}
	}
}
