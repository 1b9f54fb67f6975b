package pgstore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
)

// fill writes so many entries of 300 bytes into a table.
func fill(b *testing.B, s *Store, table string, n int) {
	b.Helper()
	for from := 0; from < n; from += 1000 {
		var batch store.Batch
		for i := from; i < min(from+1000, n); i++ {
			batch.Ops = append(batch.Ops, store.Op{Kind: store.Put, Ref: store.Ref{Table: table, Key: fmt.Sprintf("key-%07d", i)}, Value: document(i)})
		}
		if _, err := s.Apply(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	for _, action := range []store.Action{store.Vacuum, store.Analyze} {
		if err := s.Maintain(b.Context(), store.Maintenance{Action: action}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGet reads 10,000 keys, by so many clients.
func BenchmarkGet(b *testing.B) {
	for _, gather := range []bool{false, true} {
		s := openBench(b, Options{NoGather: !gather, MaxConnections: 16, AcquireTimeout: time.Minute})
		fill(b, s, "bench", 10_000)
		for _, clients := range []int{1, 8, 32, 128} {
			b.Run(fmt.Sprintf("gather=%v/clients=%d", gather, clients), func(b *testing.B) {
				var next atomic.Int64
				var wg sync.WaitGroup
				b.ReportAllocs()
				for range clients {
					wg.Go(func() {
						refs := make([]store.Ref, 1)
						for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
							refs[0] = store.Ref{Table: "bench", Key: fmt.Sprintf("key-%07d", i*7919%10_000)}
							read, err := s.Get(b.Context(), refs)
							if err != nil || !read.Entries[0].Exists() {
								b.Error(read, err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "gets/s")
			})
		}
	}
}

// BenchmarkGetMany reads 100 keys at once.
func BenchmarkGetMany(b *testing.B) {
	s := openBench(b, Options{})
	fill(b, s, "bench", 10_000)
	refs := make([]store.Ref, 100)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for n := range refs {
			refs[n] = store.Ref{Table: "bench", Key: fmt.Sprintf("key-%07d", (i*100+n)*7919%10_000)}
		}
		if _, err := s.Get(b.Context(), refs); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScan reads a table in pages of 1,000, and of 20.
func BenchmarkScan(b *testing.B) {
	s := openBench(b, Options{})
	const entries = 50_000
	fill(b, s, "bench", entries)
	for name, scan := range map[string]store.Scan{
		"page=1000":           {Limit: 1000},
		"page=1000/keys":      {Limit: 1000, KeysOnly: true},
		"page=1000/reverse":   {Limit: 1000, Reverse: true},
		"page=1000/change":    {Limit: 1000, Order: store.ByChange},
		"page=1000/delimiter": {Limit: 1000, Delimiter: "/"},
		"page=20":             {Limit: 20},
		"page=20/prefix":      {Limit: 20, Prefix: "key-00"},
	} {
		b.Run(name, func(b *testing.B) {
			scan.Table = "bench"
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				page, err := s.Scan(b.Context(), scan)
				if err != nil {
					b.Fatal(err)
				}
				n += len(page.Entries)
				scan.After = page.Next
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
