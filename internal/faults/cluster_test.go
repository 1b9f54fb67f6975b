package faults_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"larder/internal/testenv"
)

// staleness is δ: how old a copy may be that answers.
const staleness = time.Second

// options say what cluster to start.
type options struct {
	instances int
	routes    string // over the members pg and hot
	durable   bool   // Redis keeps every write on disk, so that it may be a primary
	file      bool   // there is a member local, too, a file that each instance has for itself
	env       []string
}

// cluster is several larder processes over a PostgreSQL and a Redis that a test has for
// itself.
type cluster struct {
	t         *testing.T
	binary    testenv.Binary
	database  *testenv.PostgresServer
	cache     *testenv.RedisServer
	instances []*instance
	http      *http.Client
	file      bool
	dump      []byte // of the cache, from some time ago; nil: none was kept
}

// start starts all of it, and the test's end stops it.
func start(t *testing.T, binary testenv.Binary, o options) *cluster {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	c := &cluster{
		t: t, binary: binary,
		database: testenv.StartPostgres(t, testenv.PostgresOptions{Durable: true}),
		cache:    testenv.StartRedis(t, testenv.RedisOptions{AppendOnly: o.durable}),
		http:     &http.Client{Transport: transport},
		file:     o.file,
	}
	backends := "LARDER_BACKENDS=pg=%s; hot=%s"
	if o.file {
		backends += "; local=bolt://./local.db"
	}
	for n := range o.instances {
		i := &instance{
			cluster: c, number: n,
			toDatabase: testenv.ProxyPostgres(t, c.database.URL("postgres")),
			toCache:    testenv.ProxyRedis(t, c.cache.URL),
		}
		i.options = testenv.Options{Dir: t.TempDir(), Env: append([]string{
			fmt.Sprintf(backends, i.toDatabase.URL, i.toCache.URL),
			"LARDER_ROUTES=" + o.routes,
			"LARDER_CACHE_STALENESS=" + staleness.String(),
		}, o.env...)}
		i.serve()
		c.instances = append(c.instances, i)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return c
}

// settle waits until every instance writes and reads again.
func (c *cluster) settle(t *testing.T, table string) {
	t.Helper()
	for _, i := range c.instances {
		key := fmt.Sprintf("settled-%d", i.number)
		var last answer
		eventually(t, fmt.Sprintf("instance %d to serve again", i.number), func() bool {
			if last = i.ask(t.Context(), request{method: http.MethodPut, table: table, key: key, body: "1"}); last.done() {
				last = i.ask(t.Context(), request{table: table, key: key})
			}
			return last.done()
		}, func() string { return fmt.Sprintf("the last answer is %+v", last) })
	}
}

// dumpPath is where the cache keeps what it saves.
func (c *cluster) dumpPath() string { return filepath.Join(c.cache.Dir, "dump.rdb") }

// keepDump saves what the cache holds now, for restoreDump.
func (c *cluster) keepDump(t testing.TB) {
	t.Helper()
	c.cache.Do(t, "SAVE")
	var err error
	if c.dump, err = os.ReadFile(c.dumpPath()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(c.dumpPath()); err != nil {
		t.Fatal(err)
	}
}

// restoreDump has the cache, which does not run, come back with what it held then.
func (c *cluster) restoreDump(t testing.TB) {
	t.Helper()
	c.emptyCache(t)
	if err := os.WriteFile(c.dumpPath(), c.dump, 0o600); err != nil {
		t.Fatal(err)
	}
	user, err := testenv.RedisUser()
	if err != nil {
		t.Fatal(err)
	}
	if user != nil {
		if err := os.Chown(c.dumpPath(), int(user.Uid), int(user.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// emptyCache removes what the cache, which does not run, has kept on disk.
func (c *cluster) emptyCache(t testing.TB) {
	t.Helper()
	for _, name := range []string{"appendonlydir", "dump.rdb"} {
		if err := os.RemoveAll(filepath.Join(c.cache.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}
