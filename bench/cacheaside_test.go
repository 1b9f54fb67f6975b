package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"larder/internal/testenv"
)

// servers are what cache-aside is compared over: two gateways on one PostgreSQL, of which
// one keeps copies in Redis and in its memory.
type servers struct {
	plain, cached string // addresses
	redis         *testenv.RedisServer
}

func startBoth(b *testing.B, env ...string) servers {
	b.Helper()
	database, redis := startPostgres(b), startRedis(b)
	s := servers{redis: redis, plain: startLarderOn(b, database)}
	s.cached = testenv.Build(b).Serve(b, testenv.Options{Env: append([]string{
		"LARDER_BACKENDS=pg=" + database + "; hot=" + redis.URL,
		"LARDER_ROUTES=*=cache-aside(pg,hot)",
	}, env...)}).Address
	return s
}

// BenchmarkCacheAsideHotGet reads values of 300 bytes at 32 clients: by cache-aside from
// larder's memory, and from a map behind a bare chi handler.
func BenchmarkCacheAsideHotGet(b *testing.B) {
	bare, s := startBare(b), startBoth(b)
	load(b, bare, 1, keys, func(i int) []byte {
		return send("POST", "/fill"+keyPath(i)[len("/tables/bench/keys"):], document(i))
	})
	load(b, s.cached, 32, keys, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
	getAt(s.cached)(b, 3*keys)
	for b.Loop() {
		compare(b, 100_000, getAt(bare), getAt(s.cached))
	}
}

// BenchmarkCacheAsideMiss reads each entry once, so that no copy is ever there: by
// cache-aside, which fills its copies, and primary-only.
func BenchmarkCacheAsideMiss(b *testing.B) {
	const perRound = 12_000
	s := startBoth(b)
	const entries = perRound * (rounds + 1)
	fill(b, s.plain, "cold", entries)
	path := func(i int) []byte { return get(fmt.Sprintf("/tables/cold/keys/user%07d", i)) }
	requests := make([][]byte, entries)
	for i := range requests {
		requests[i] = path(i)
	}
	each := func(address string) contestant {
		next := 0
		return func(b *testing.B, n int) {
			first := next
			next += n
			load(b, address, 32, n, func(i int) []byte { return requests[(first+i)%entries] })
		}
	}
	plain, cached := each(s.plain), each(s.cached)
	plain(b, perRound)
	cached(b, perRound)
	for b.Loop() {
		compare(b, perRound, plain, cached)
	}
}

// BenchmarkCacheAsidePut puts values of 300 bytes at 32 clients: by cache-aside, which
// puts them in its copies too, and primary-only.
func BenchmarkCacheAsidePut(b *testing.B) {
	s := startBoth(b)
	plain, cached := putAt(s.plain, 32), putAt(s.cached, 32)
	plain(b, keys)
	cached(b, keys)
	for b.Loop() {
		compare(b, 30_000, plain, cached)
	}
}

// BenchmarkCacheAsideMix reads nine times for every time it writes, keys by Zipf's law
// with 0.99: by cache-aside, and primary-only.
func BenchmarkCacheAsideMix(b *testing.B) {
	s := startBoth(b)
	fillKeys(b, s.plain)
	plain, cached := mixAt(s.plain, 10), mixAt(s.cached, 10)
	plain(b, keys)
	cached(b, keys)
	for b.Loop() {
		compare(b, 60_000, plain, cached)
	}
}

// BenchmarkCacheAsideDead reads while Redis is gone and no memory is there for copies: by
// cache-aside, and primary-only.
func BenchmarkCacheAsideDead(b *testing.B) {
	s := startBoth(b, "LARDER_CACHE_MEMORY=0")
	fillKeys(b, s.plain)
	s.redis.Kill(b)
	plain, cached := getAt(s.plain), getAt(s.cached)
	plain(b, keys)
	cached(b, keys)
	for b.Loop() {
		compare(b, 40_000, plain, cached)
	}
}

// BenchmarkCacheAsideHitRate has two gateways over the same PostgreSQL and Redis read by
// Zipf's law with 0.99, with a write in twenty requests, and reports how many reads a copy
// answered.
func BenchmarkCacheAsideHitRate(b *testing.B) {
	database, redis := startPostgres(b), startRedis(b)
	env := []string{"LARDER_BACKENDS=pg=" + database + "; hot=" + redis.URL, "LARDER_ROUTES=*=cache-aside(pg,hot)"}
	var gateways []string
	for range 2 {
		gateways = append(gateways, testenv.Build(b).Serve(b, testenv.Options{Env: env}).Address)
	}
	fillKeys(b, gateways[0])
	mixes := []contestant{mixAt(gateways[0], 20), mixAt(gateways[1], 20)}
	both := func(n int) {
		var halves sync.WaitGroup
		for _, mix := range mixes {
			halves.Go(func() { mix(b, n/2) })
		}
		halves.Wait()
	}
	both(100_000)
	for b.Loop() {
		hits, all := hitsOf(b, gateways)
		both(200_000)
		hitsAfter, allAfter := hitsOf(b, gateways)
		b.ReportMetric((hitsAfter-hits)/(allAfter-all), "hits/read")
	}
	b.ReportMetric(0, "ns/op")
}

// hitsOf asks gateways how many reads would have taken a copy, and how many got one.
func hitsOf(b *testing.B, addresses []string) (hits, all float64) {
	b.Helper()
	for _, address := range addresses {
		c, err := dial(address)
		if err != nil {
			b.Fatal(err)
		}
		body, err := c.exchange(get("/stats"))
		if err != nil {
			b.Fatal(err)
		}
		var stats struct {
			Strategies []struct{ Figures map[string]float64 }
		}
		if err := errors.Join(json.Unmarshal(body, &stats), c.conn.Close()); err != nil {
			b.Fatal(err)
		}
		f := stats.Strategies[0].Figures
		got := f["memory_hits_total"] + f["cache_hits_total"] + f["joined_total"]
		hits, all = hits+got, all+got+f["misses_total"]+f["stale_total"]
	}
	return hits, all
}

func fillKeys(b *testing.B, address string) {
	b.Helper()
	load(b, address, 32, keys, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
}

// mixAt writes once in so many requests, and else reads; keys are drawn by Zipf's law.
func mixAt(address string, writes int) contestant {
	const requests = 1 << 16
	draw, random := zipf(keys, 0.99), rand.New(rand.NewPCG(1, 2))
	mixed := make([][]byte, requests)
	for i := range mixed {
		key := draw(random)
		if i%writes == 0 {
			mixed[i] = send("PUT", keyPath(key), document(key+i))
		} else {
			mixed[i] = get(keyPath(key))
		}
	}
	return func(b *testing.B, n int) {
		load(b, address, 32, n, func(i int) []byte { return mixed[i%requests] })
	}
}

// zipf draws numbers below n, the i-th in proportion to 1/(i+1)^s. That of math/rand
// takes no s below 1.
func zipf(n int, s float64) func(*rand.Rand) int {
	sums := make([]float64, n)
	sum := 0.0
	for i := range sums {
		sum += 1 / math.Pow(float64(i+1), s)
		sums[i] = sum
	}
	return func(r *rand.Rand) int {
		i, _ := slices.BinarySearch(sums, r.Float64()*sum)
		return min(i, n-1)
	}
}
