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

// BenchmarkPut is a durable write by so many clients at once.
func BenchmarkPut(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := openDurable(b)
			fill(b, s, "t", benchKeys)
			before, pages := s.tallies.commits.Load(), s.pagesWritten()
			b.ReportAllocs()
			b.ResetTimer()
			byClients(b, clients, b.N, s.putOne(b))
			commits := float64(s.tallies.commits.Load() - before)
			b.ReportMetric(float64(b.N)/commits, "puts/commit")
			b.ReportMetric(float64(s.pagesWritten()-pages)/commits, "pages/commit")
		})
	}
}

func (s *Store) pagesWritten() int64 {
	stats := s.file.Load().db.Stats().TxStats
	return stats.GetWrite()
}

// putOne puts one of benchKeys entries, which it has made beforehand.
func (s *Store) putOne(b *testing.B) func(i int64) error {
	ops := putOps(benchKeys)
	return func(i int64) error {
		n := spread(i, benchKeys)
		_, err := s.Apply(b.Context(), store.Batch{Ops: ops[n : n+1 : n+1]})
		return err
	}
}

func putOps(n int) []store.Op {
	ops := make([]store.Op, n)
	for i := range ops {
		ops[i] = putOp("t", i, 300)
	}
	return ops
}

// BenchmarkPutAgainstUpdate compares puts by 64 clients with as many clients
// that each use a transaction of bbolt's. It does a little of the one and of the
// other in turn, so that a disk that is slow for a while is so for both.
func BenchmarkPutAgainstUpdate(b *testing.B) {
	const clients, puts, updates = 64, 4000, 400
	s := openDurable(b)
	fill(b, s, "t", benchKeys)
	update := plainUpdates(b)
	var putting, updating time.Duration
	for b.Loop() {
		start := time.Now()
		byClients(b, clients, puts, s.putOne(b))
		putting += time.Since(start)
		start = time.Now()
		byClients(b, clients, updates, update)
		updating += time.Since(start)
	}
	rate := func(n int, d time.Duration) float64 { return float64(n*b.N) / d.Seconds() }
	b.ReportMetric(rate(puts, putting), "puts/s")
	b.ReportMetric(rate(updates, updating), "updates/s")
	b.ReportMetric(rate(puts, putting)/rate(updates, updating), "times")
}

// plainUpdates opens a file of bbolt's that holds the same entries, and gives
// what puts one of them.
func plainUpdates(b *testing.B) func(i int64) error {
	b.Helper()
	db, err := bolt.Open(filepath.Join(b.TempDir(), "plain.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	ops := putOps(benchKeys)
	put := func(tx *bolt.Tx, i int) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte("t"))
		if err != nil {
			return err
		}
		return bucket.Put([]byte(ops[i].Ref.Key), ops[i].Value.Data)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for i := range benchKeys {
			if err := put(tx, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return func(i int64) error {
		return db.Update(func(tx *bolt.Tx) error { return put(tx, spread(i, benchKeys)) })
	}
}

// byClients has clients call do until n calls are done.
func byClients(b *testing.B, clients, n int, do func(i int64) error) {
	b.Helper()
	var next atomic.Int64
	done := make(chan error, clients)
	for range clients {
		go func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
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
}

// BenchmarkGrowth writes and reads in tables of ten times the size each.
func BenchmarkGrowth(b *testing.B) {
	for _, keys := range []int{10_000, 100_000, 1_000_000} {
		s := openDurable(b)
		s.file.Load().db.NoSync = true
		fill(b, s, "t", keys)
		s.file.Load().db.NoSync = false
		b.Run(fmt.Sprintf("get/keys=%d", keys), func(b *testing.B) {
			byClients(b, 2, b.N, func(i int64) error {
				_, err := s.Get(b.Context(), []store.Ref{putOp("t", spread(i, keys), 0).Ref})
				return err
			})
		})
		b.Run(fmt.Sprintf("put/keys=%d", keys), func(b *testing.B) {
			byClients(b, 64, b.N, func(i int64) error {
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
