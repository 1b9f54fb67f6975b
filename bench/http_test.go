package bench

import (
	"testing"
)

// BenchmarkGet reads values of 300 bytes at 32 clients: from larder's file, and
// from a map behind a bare chi handler.
func BenchmarkGet(b *testing.B) {
	bare, larder := startBare(b), startLarder(b)
	load(b, bare, 1, keys, func(i int) []byte {
		return send("POST", "/fill"+keyPath(i)[len("/tables/bench/keys"):], document(i))
	})
	load(b, larder, 32, keys, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
	for b.Loop() {
		compare(b, 100_000, getAt(bare), getAt(larder))
	}
}

func getAt(address string) contestant {
	requests := make([][]byte, keys)
	for i := range requests {
		requests[i] = get(keyPath(i))
	}
	return func(b *testing.B, n int) {
		load(b, address, 32, n, func(i int) []byte { return requests[i%keys] })
	}
}

// BenchmarkPut writes values of 300 bytes durably at 64 clients: by larder, and
// by a bare chi handler that gives each request a db.Update.
func BenchmarkPut(b *testing.B) {
	bare, larder := startBare(b), startLarder(b)
	for b.Loop() {
		compare(b, 20_000, putAt(bare, 64), putAt(larder, 64))
	}
}

func putAt(address string, clients int) contestant {
	requests := make([][]byte, keys)
	for i := range requests {
		requests[i] = send("PUT", keyPath(i), document(i))
	}
	return func(b *testing.B, n int) {
		load(b, address, clients, n, func(i int) []byte { return requests[i%keys] })
	}
}

// BenchmarkBatch writes entries a hundred at a time, and one after the other.
// Units are entries.
func BenchmarkBatch(b *testing.B) {
	larder := startLarder(b)
	batches := make([][]byte, 100)
	for i := range batches {
		batches[i] = send("POST", "/batch", batchOf(i*100, 100, "batch"))
	}
	single := putAt(larder, 1)
	for b.Loop() {
		compare(b, 2_000, single, func(b *testing.B, n int) {
			load(b, larder, 1, n/100, func(i int) []byte { return batches[i%len(batches)] })
		})
	}
}

// BenchmarkQuery finds 20 of 100,000 entries by an indexed field, and by
// looking at all of them. Units are queries.
func BenchmarkQuery(b *testing.B) {
	larder := startLarder(b)
	fill(b, larder, "people", 100_000)
	query := func(int) []byte {
		return send("POST", "/tables/people/query", []byte(`{"filter":{"path":"/id","op":"in","value":[1,5001,10001,15001,20001,25001,30001,35001,40001,45001,50001,55001,60001,65001,70001,75001,80001,85001,90001,95001]},"limit":20}`))
	}
	run := func(clients int) contestant {
		return func(b *testing.B, n int) { load(b, larder, clients, n, query) }
	}
	scanned := rate(b, 5, run(1))
	load(b, larder, 1, 1, func(int) []byte {
		return send("PUT", "/tables/people/indexes/by_id", []byte(`{"fields":[{"path":"/id","type":"number"}]}`))
	})
	for b.Loop() {
		indexed := rate(b, 2_000, run(1))
		b.ReportMetric(scanned, "base/s")
		b.ReportMetric(indexed, "larder/s")
		b.ReportMetric(indexed/scanned, "ratio")
		b.ReportMetric(0, "ns/op")
	}
}
