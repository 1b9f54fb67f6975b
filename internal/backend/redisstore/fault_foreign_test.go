package redisstore

import (
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// dump is all that a server has, by key.
func dump(t testing.TB, server *testenv.RedisServer) map[string]string {
	t.Helper()
	held := make(map[string]string)
	keys, _ := server.Do(t, "KEYS", "*").([]any)
	for _, key := range keys {
		name, _ := key.(string)
		held[name], _ = server.Do(t, "DUMP", name).(string)
	}
	return held
}

// TestForeignKeyInTheWay has somebody else put something of their own in the place of
// each of the keys that a write needs. The write fails, clearly, and does nothing.
func TestForeignKeyInTheWay(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	d := &newShards("larder", 1)[0]
	places := []string{
		d.sequence, d.tables, d.state("t"), d.keys("t"), d.changes("t"), d.expiry("t"), d.tombstones("t"),
		d.entry(ref("a")), d.entry(ref("none")),
	}
	list, text := []string{"RPUSH", "", "theirs"}, []string{"SET", "", "theirs"}
	for _, place := range places {
		for _, command := range [][]string{list, text} {
			command[1] = place
			foreignKey(t, server, false, command)
			foreignKey(t, server, true, command)
		}
	}
	for _, command := range [][]string{list, text} {
		command[1] = ofIndex
		foreignKey(t, server, true, command)
	}
}

// ofIndex stands for the sorted set of the index.
const ofIndex = "index"

// foreignKey runs the command that puts something in the way, and then a write that
// touches all keys of a table.
func foreignKey(t *testing.T, server *testenv.RedisServer, indexed bool, command []string) {
	t.Helper()
	server.Do(t, "FLUSHALL")
	f := openOn(t, server.URL, func(o *Options) { o.Retention.Tombstones = time.Microsecond })
	if indexed {
		f.index("by", numberField("n"))
	}
	if command[1] == ofIndex {
		catalog, err := f.readCatalog(t.Context(), f.link.Load(), &f.link.Load().shards[0], "t")
		if err != nil {
			t.Fatal(err)
		}
		command[1] = catalog.named("by").set
	}
	f.apply(put("forgotten", `1`))
	f.apply(remove("forgotten"))
	if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil { // so that the table has a state
		t.Fatal(err)
	}
	mortal := put("mortal", `{"n": 5}`)
	mortal.Expiry = store.ExpiresIn(time.Hour)
	f.apply(put("a", `{"n": 1}`), plusOne("c"), mortal, put("buried", `1`))
	f.apply(remove("buried"))
	server.Do(t, "DEL", command[1])
	server.Do(t, command...)
	before := dump(t, server)
	_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{
		put("a", `{"n": 2}`), mortal, remove("c"), put("buried", `{"n": 3}`), put("none", `{"n": 4}`),
	}})
	if what := strings.Join(command, " "); store.CodeOf(err) != store.Internal {
		t.Errorf("%s, indexed %v: got %v, want internal", what, indexed, err)
	} else if detail := store.AsError(err).Detail; !strings.Contains(detail, "does not hold what larder writes") {
		t.Errorf("%s, indexed %v: it says %q", what, indexed, err)
	}
	after := dump(t, server)
	for key := range after {
		if before[key] != after[key] {
			t.Errorf("%v, indexed %v: %s was written all the same", command, indexed, key)
		}
	}
	if len(before) != len(after) {
		t.Errorf("%v, indexed %v: there were %d keys, and are %d", command, indexed, len(before), len(after))
	}
}
