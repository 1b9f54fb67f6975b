package boltstore

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
	"larder/internal/value"
)

// openDurable opens a store that syncs, on the file system of b.TempDir.
func openDurable(b *testing.B) *Store {
	b.Helper()
	s, err := Open(Options{Path: filepath.Join(b.TempDir(), "larder.db")})
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

// document is JSON text of about so many bytes.
func document(n, bytes int) value.Value {
	text := fmt.Sprintf(`{"age":%d,"email":"user%07d@example.org","text":"%0*d"}`, n%100, n, max(1, bytes-60), n)
	return value.MustParse(text)
}

func putOp(table string, n, bytes int) store.Op {
	return store.Op{Kind: store.Put, Ref: store.Ref{Table: table, Key: fmt.Sprintf("key%07d", n)}, Value: document(n, bytes)}
}

// fill puts n entries, many at a time.
func fill(tb testing.TB, s *Store, table string, n int) {
	tb.Helper()
	for start := 0; start < n; start += 1000 {
		var ops []store.Op
		for i := start; i < min(n, start+1000); i++ {
			ops = append(ops, putOp(table, i, 300))
		}
		if _, err := s.Apply(tb.Context(), store.Batch{Ops: ops}); err != nil {
			tb.Fatal(err)
		}
	}
}

// spread gives numbers below n in an order that jumps about.
func spread(i int64, n int) int { return int(i * 7919 % int64(n)) }

const benchKeys = 10_000

// BenchmarkPut is a durable write by so many clients at once. BenchmarkUpdate
// is what it is compared with: a transaction of bbolt's for each.
func BenchmarkPut(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := openDurable(b)
			fill(b, s, "t", benchKeys)
			before := s.tallies.commits.Load()
			runClients(b, clients, func(i int64) error {
				op := putOp("t", spread(i, benchKeys), 300)
				_, err := s.Apply(b.Context(), store.Batch{Ops: []store.Op{op}})
				return err
			})
			st := s.file.Load().db.Stats().TxStats
			b.ReportMetric(float64(st.GetWrite())/float64(s.tallies.commits.Load()), "pages/commit")
			b.ReportMetric(float64(b.N)/float64(s.tallies.commits.Load()-before), "puts/commit")
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			db, err := bolt.Open(filepath.Join(b.TempDir(), "plain.db"), 0o600, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			put := func(i int) error {
				op := putOp("t", i, 300)
				return db.Update(func(tx *bolt.Tx) error {
					bucket, err := tx.CreateBucketIfNotExists([]byte("t"))
					if err != nil {
						return err
					}
					return bucket.Put([]byte(op.Ref.Key), op.Value.Data)
				})
			}
			db.NoSync = true
			for i := range benchKeys {
				if err := put(i); err != nil {
					b.Fatal(err)
				}
			}
			db.NoSync = false
			runClients(b, clients, func(i int64) error { return put(spread(i, benchKeys)) })
		})
	}
}

// runClients has clients call do until b.N calls are done.
func runClients(b *testing.B, clients int, do func(i int64) error) {
	b.Helper()
	b.ReportAllocs()
	var next atomic.Int64
	done := make(chan error, clients)
	b.ResetTimer()
	for range clients {
		go func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(i); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// BenchmarkGrowth writes and reads in tables of ten times the size each.
func BenchmarkGrowth(b *testing.B) {
	for _, keys := range []int{10_000, 100_000, 1_000_000} {
		s := openDurable(b)
		s.file.Load().db.NoSync = true
		fill(b, s, "t", keys)
		s.file.Load().db.NoSync = false
		b.Run(fmt.Sprintf("get/keys=%d", keys), func(b *testing.B) {
			runClients(b, 2, func(i int64) error {
				_, err := s.Get(b.Context(), []store.Ref{putOp("t", spread(i, keys), 0).Ref})
				return err
			})
		})
		b.Run(fmt.Sprintf("put/keys=%d", keys), func(b *testing.B) {
			runClients(b, 64, func(i int64) error {
				_, err := s.Apply(b.Context(), store.Batch{Ops: []store.Op{putOp("t", spread(i, keys), 300)}})
				return err
			})
		})
	}
}

// BenchmarkGet reads an entry of 300 bytes.
func BenchmarkGet(b *testing.B) {
	s := openDurable(b)
	fill(b, s, "t", benchKeys)
	refs := make([][]store.Ref, benchKeys)
	for i := range refs {
		refs[i] = []store.Ref{putOp("t", i, 0).Ref}
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		i := int64(0)
		for b.Loop() {
			i++
			if _, err := s.Get(b.Context(), refs[spread(i, benchKeys)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			i := int64(0)
			for pb.Next() {
				i++
				if _, err := s.Get(b.Context(), refs[spread(i, benchKeys)]); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkHundredPuts is a hundred entries: in one batch, and one by one.
func BenchmarkHundredPuts(b *testing.B) {
	s := openDurable(b)
	b.Run("batch", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			ops := make([]store.Op, 100)
			for i := range ops {
				ops[i] = putOp("t", (n*100+i)%benchKeys, 300)
			}
			if _, err := s.Apply(b.Context(), store.Batch{Ops: ops}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("single", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			for i := range 100 {
				op := putOp("t", (n*100+i)%benchKeys, 300)
				if _, err := s.Apply(b.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkQuery finds one of 100,000 entries by a field, with an index and
// without.
func BenchmarkQuery(b *testing.B) {
	const entries = 100_000
	s := openDurable(b)
	fill(b, s, "t", entries)
	query := func(i int) store.Query {
		return store.Query{Table: "t", Filter: value.Filter{
			Path: "/email", Op: value.OpEq, Value: fmt.Appendf(nil, `"user%07d@example.org"`, i),
		}}
	}
	run := func(b *testing.B) {
		b.ReportAllocs()
		for i := int64(0); b.Loop(); i++ {
			found, err := s.Search(b.Context(), query(spread(i, entries)))
			if err != nil || len(found.Entries) != 1 {
				b.Fatalf("found %d entries: %v", len(found.Entries), err)
			}
		}
	}
	b.Run("scan", run)
	def := store.Index{Name: "email", Fields: []store.IndexField{{Path: value.Pointer{"email"}, Type: store.StringField}}}
	start := time.Now()
	if _, err := s.PutIndex(b.Context(), "t", def); err != nil {
		b.Fatal(err)
	}
	b.Logf("building the index took %s", time.Since(start))
	b.Run("index", run)
}

// BenchmarkOpen opens a file with a million entries.
func BenchmarkOpen(b *testing.B) {
	o := Options{Path: filepath.Join(b.TempDir(), "larder.db"), NoSync: true}
	s, err := Open(o)
	if err != nil {
		b.Fatal(err)
	}
	fill(b, s, "t", 1_000_000)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Open(o)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
