package redisstore

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
	"larder/internal/value"
)

// cramped is a server with little memory, which evicts nothing.
func cramped(t testing.TB) *testenv.RedisServer {
	t.Helper()
	return testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"maxmemory": "8mb", "maxmemory-policy": "noeviction"}})
}

// large is a put of some size.
func large(key string) store.Op {
	return store.Op{Kind: store.Put, Ref: ref(key), Value: value.MustParse(`"` + strings.Repeat("x", 20_000) + `"`)}
}

// fillUp puts entries until the server has no room for another.
func (f *fixture) fillUp() (keys []string) {
	f.t.Helper()
	for i := 0; ; i++ {
		key := strconv.Itoa(i)
		_, err := f.Apply(f.t.Context(), store.Batch{Ops: []store.Op{large(key)}})
		if err != nil {
			fails(f.t, "Apply", err, store.StorageFull)
			return keys
		}
		keys = append(keys, key)
	}
}

// TestMemoryFull fills the server's memory. Nothing that grows is written then, in part
// or as a whole; reads and deletes go on, and once there is room again all does.
func TestMemoryFull(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(f *fixture){
		"a plain table":         func(*fixture) {},
		"a table with an index": func(f *fixture) { f.index("by", numberField("n")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := cramped(t)
			f := openOn(t, server.URL)
			prepare(f)
			mortal := put("mortal", `{"n": 1}`)
			mortal.Expiry = store.ExpiresIn(time.Millisecond)
			f.apply(mortal, put("small", `{"n": 2}`), plusOne("counter"))
			keys := f.fillUp()
			server.Do(t, "CONFIG", "SET", "maxmemory", "4mb") // not even for little

			bounded := plusOne("counter")
			bounded.Increment.Min = []byte("0")
			for name, ops := range map[string][]store.Op{
				"a put":             {large("new")},
				"an overwrite":      {put("small", `{"n": 3}`)},
				"an increment":      {plusOne("counter")},
				"what is evaluated": {bounded},
				"a batch":           {remove(keys[0]), put("small", `{"n": 3}`), put("new", `{"n": 3}`)},
			} {
				_, err := f.Apply(t.Context(), store.Batch{Ops: ops})
				fails(t, name, err, store.StorageFull)
			}
			fails(t, "Install", f.Install(t.Context(), []store.Entry{{Ref: ref("i"), Version: 9, Value: value.MustParse(`1`)}}), store.StorageFull)
			f.holds("small", `{"n": 2}`)
			f.holds("counter", `1`)
			for _, key := range []string{"new", "i"} {
				if e := f.get(key); e.Exists() || e.Version != 0 {
					t.Errorf("%s is %+v", key, e)
				}
			}
			if err := f.Ping(t.Context()); err != nil {
				t.Errorf("Ping: %v", err)
			}
			sound(t, f.Store)

			if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil { // what has expired
				t.Errorf("clearing up: %v", err)
			}
			conditional := remove(keys[1])
			conditional.If = store.IfVersion(1)
			f.apply(remove(keys[0]))
			f.apply(conditional)
			for _, key := range keys[2:] {
				f.apply(remove(key))
			}
			f.apply(put("small", `{"n": 3}`), large("new"))
			sound(t, f.Store)
			f.fillUp()
			server.Do(t, "CONFIG", "SET", "maxmemory", "64mb")
			f.serves()
		})
	}
}

// TestMemoryFullUnderLoad has the memory fill up and empty under load.
func TestMemoryFullUnderLoad(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openOn(t, server.URL)
	l := startLoad(f, faultload.Options{Accepts: []store.Code{store.StorageFull}})
	for range rounds(5) {
		l.AwaitAcknowledged(100)
		server.Do(t, "CONFIG", "SET", "maxmemory", "1")
		l.AwaitRefused(100)
		server.Do(t, "CONFIG", "SET", "maxmemory", "0")
	}
	l.AwaitAcknowledged(100)
	checkLoad(f, l)
}
