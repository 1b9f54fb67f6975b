package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/rueidis"

	"larder/internal/testenv"
)

// startRedis starts a server that keeps all in memory, and gives its address.
func startRedis(b *testing.B) *testenv.RedisServer {
	b.Helper()
	return testenv.StartRedis(b, testenv.RedisOptions{})
}

// BenchmarkRedisHotGet reads values of 300 bytes at 32 clients: from larder's memory,
// and from a map behind a bare chi handler.
func BenchmarkRedisHotGet(b *testing.B) {
	bare, larder := startBare(b), startLarderOn(b, startRedis(b).URL, "LARDER_REDIS_CACHE=64MiB")
	load(b, bare, 1, keys, func(i int) []byte {
		return send("POST", "/fill"+keyPath(i)[len("/tables/bench/keys"):], document(i))
	})
	load(b, larder, 32, keys, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
	getAt(larder)(b, 3*keys)
	for b.Loop() {
		compare(b, 100_000, getAt(bare), getAt(larder))
	}
}

// BenchmarkRedisCache reads them from larder's memory, and without one from Redis.
func BenchmarkRedisCache(b *testing.B) {
	server := startRedis(b)
	off, on := startLarderOn(b, server.URL), startLarderOn(b, server.URL, "LARDER_REDIS_CACHE=64MiB")
	load(b, off, 32, keys, func(i int) []byte { return send("PUT", keyPath(i), document(i)) })
	getAt(on)(b, 3*keys)
	for b.Loop() {
		compare(b, 100_000, getAt(off), getAt(on))
	}
}

// BenchmarkRedisPut puts values of 300 bytes at 32 clients: through larder, and by the
// script that larder runs, through rueidis alone.
func BenchmarkRedisPut(b *testing.B) {
	server := startRedis(b)
	larder := startLarderOn(b, server.URL)
	client := dialRedis(b, server)
	script := rueidis.NewLuaScript(writeScript(b))
	puts := make([]putScript, keys)
	for i := range puts {
		puts[i] = putOf(fmt.Sprintf("user%06d", i), document(i))
	}
	alone := func(b *testing.B, n int) {
		together(b, 32, n, func(ctx context.Context, i int) error {
			p := &puts[i%keys]
			return script.Exec(ctx, client, p.keys, p.args).Error()
		})
	}
	alone(b, keys)
	putAt(larder, 32)(b, keys)
	for b.Loop() {
		compare(b, 60_000, alone, putAt(larder, 32))
	}
}

// BenchmarkRedisBatch gets a hundred entries by one POST /batch, and one after the
// other. Units are entries, at one client.
func BenchmarkRedisBatch(b *testing.B) {
	larder := startLarderOn(b, startRedis(b).URL)
	fill(b, larder, "bench", keys)
	const batches = 100
	gets := make([][]byte, batches)
	for i := range batches {
		var list bytes.Buffer
		for n := range batchKeys {
			if n > 0 {
				list.WriteByte(',')
			}
			fmt.Fprintf(&list, `{"op":"get","table":"bench","key":"user%07d"}`, i*batchKeys+n)
		}
		gets[i] = send("POST", "/batch", fmt.Appendf(nil, `{"operations":[%s]}`, &list))
	}
	single := make([][]byte, keys)
	for i := range single {
		single[i] = get(fmt.Sprintf("/tables/bench/keys/user%07d", i))
	}
	for b.Loop() {
		compare(b, 20_000, func(b *testing.B, n int) {
			load(b, larder, 1, n, func(i int) []byte { return single[i%keys] })
		}, func(b *testing.B, n int) {
			load(b, larder, 1, n/batchKeys, func(i int) []byte { return gets[i%batches] })
		})
	}
}

// dialRedis makes a client as larder has it.
func dialRedis(b *testing.B, server *testenv.RedisServer) rueidis.Client {
	b.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{server.Address}, ForceSingleClient: true, DisableRetry: true, DisableCache: true, PipelineMultiplex: -1,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return client
}

// writeScript is what larder runs for a put, from its source.
func writeScript(b *testing.B) string {
	b.Helper()
	text := "#!lua\n"
	for _, name := range []string{"record", "orders", "write"} {
		part, err := os.ReadFile("../internal/backend/redisstore/lua/" + name + ".lua")
		if err != nil {
			b.Fatal(err)
		}
		text += string(part)
	}
	return text
}

// putScript is what the script is given for a put.
type putScript struct{ keys, args []string }

func putOf(key string, document []byte) putScript {
	const base = "alone{0}:"
	keys := []string{base + "s", base + "t"}
	for _, order := range []string{"t", "k", "c", "x", "d"} {
		keys = append(keys, base+order+":bench")
	}
	return putScript{
		keys: append(keys, base+"e:bench:"+key),
		args: []string{
			"", "1", "1", string(binary.BigEndian.AppendUint64(nil, 0)), "bench",
			"1", key, "put", "", "", "0", "0", "\x00", string(document), "0",
		},
	}
}

// together has so many goroutines do the work n times in all.
func together(b *testing.B, clients, n int, do func(ctx context.Context, i int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	failures := newFailures()
	for range clients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(b.Context(), i); err != nil {
					failures.add(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := failures.first(); err != nil {
		b.Fatal(strings.TrimSpace(err.Error()))
	}
}
