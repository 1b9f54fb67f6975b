package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/httpstore"
)

// lifeOfSome is how long some entries live.
const lifeOfSome = time.Second

// TestMultiWriteConverges has clients put, delete, create again and let expire a few
// hundred keys, while the secondary is away, hangs, and comes back with nothing or with
// what it held some time ago, and while processes and PostgreSQL are killed. Soon after,
// each process tells that the secondary has everything, and then both members have the
// same: no key is missing, is old or has come back. Half a minute is how long that may take.
func TestMultiWriteConverges(t *testing.T) {
	t.Parallel()
	all := seeds(t)
	binary := testenv.Build(t)
	onPostgres := []kind{processKilled, databaseLinkBroken, commitsCut, databaseKilled, processPaused}
	for _, tt := range []struct {
		routes  string
		options options
		faults  []kind
	}{
		{"*=multi-write(pg,hot)", options{instances: 3}, append([]kind{
			cacheWentBack, cacheLinkBroken, cacheEmptied, commandsLost, cacheFlushed, cachePaused, cacheKilled,
		}, onPostgres...)},
		{"*=multi-write(pg,local)", options{instances: 1, file: true}, onPostgres},
	} {
		t.Run(tt.routes, func(t *testing.T) {
			t.Parallel()
			tt.options.routes = tt.routes
			c := start(t, binary, tt.options)
			for _, seed := range all {
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { converges(t, c, seed, tt.faults) })
			}
		})
	}
}

func converges(t *testing.T, c *cluster, seed uint64, kinds []kind) {
	t.Helper()
	lasts := lasting(2 * time.Second)
	var given []fault
	if !c.file {
		given = append(given, c.dumpKept(lasts/4))
	}
	s := c.draw(seed, lasts, given, int(lasts/(250*time.Millisecond)), kinds...)
	t.Log(s)
	w := &copiedWrites{cluster: c, table: fmt.Sprintf("t%d", seed), latest: make(map[string]int64)}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for n := range 8 {
		random := rand.New(rand.NewPCG(seed, uint64(n)+1))
		working.Go(func() { w.write(ctx, random) })
	}
	s.play(t)
	eventually(t, "writes to be acknowledged", func() bool { return w.acknowledged.Load() >= 100 }, func() string {
		return fmt.Sprintf("there are %d", w.acknowledged.Load())
	})
	stop()
	working.Wait()
	c.settle(t, w.table)
	t.Logf("%d writes were acknowledged, %d of them when all members had them", w.acknowledged.Load(), w.complete.Load())
	began := time.Now()
	wait(t, lifeOfSome+100*time.Millisecond) // so that nothing expires between two looks
	var behind string
	eventually(t, "every instance to tell that the secondary has all", func() bool {
		for _, i := range c.instances {
			if lag, known := i.lag(t); !known || lag >= time.Since(began) {
				behind = fmt.Sprintf("instance %d tells of a lag of %v, known: %v", i.number, lag, known)
				return false
			}
		}
		return true
	}, func() string { return behind + "\n" + c.told(t) })
	t.Logf("that is so after %v", time.Since(began).Round(time.Millisecond))
	c.membersAlone(t, func(primary, secondary store.Store) {
		have, copied := held(t, primary, w.table), held(t, secondary, w.table)
		for _, different := range differences(have, copied) {
			t.Error(different)
		}
		w.check(t, have)
		r, err := replica.Verify(t.Context(), primary, secondary, replica.Verification{Values: true})
		if err != nil || !r.Same() || r.Compared < int64(len(have)) {
			t.Errorf("verifying: %+v, %v", r, err)
		}
	})
}

// lag is how far behind the secondary is, as an instance tells.
func (i *instance) lag(t *testing.T) (lag time.Duration, known bool) {
	t.Helper()
	base, _ := i.at()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/stats", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := i.cluster.http.Do(req)
	if err != nil {
		return 0, false
	}
	defer resp.Body.Close()
	var stats struct {
		Strategies []struct {
			Name    string
			Figures map[string]float64
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil || len(stats.Strategies) != 1 {
		t.Fatalf("the figures of strategies are %+v, %v", stats, err)
	}
	figures := stats.Strategies[0].Figures
	return time.Duration(figures["secondary_lag_seconds"] * float64(time.Second)), figures["secondaries_filling"] == 0
}

// told is what instances say of the members.
func (c *cluster) told(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, i := range c.instances {
		base, _ := i.at()
		for _, path := range []string{"/health", "/repairs", "/stats"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := i.cluster.http.Do(req)
			if err != nil {
				fmt.Fprintln(&all, err)
				continue
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			fmt.Fprintf(&all, "instance %d %s: %s %v\n", i.number, path, body, err)
		}
	}
	return all.String()
}

// copiedWrites is what clients write, and were told.
type copiedWrites struct {
	cluster                *cluster
	table                  string
	acknowledged, complete atomic.Int64

	mu     sync.Mutex
	latest map[string]int64 // the newest version that was acknowledged
}

// write writes keys by way of any instance.
func (w *copiedWrites) write(ctx context.Context, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("k%d", random.IntN(300))
		r := request{method: http.MethodPut, table: w.table, key: key, body: fmt.Sprintf(`"%d-%d"`, random.IntN(1000), n)}
		switch chance := random.IntN(10); {
		case chance < 3:
			r.method, r.body = http.MethodDelete, ""
		case chance < 5:
			r.query = "?ttl_seconds=1"
		}
		a := w.cluster.anyone(random).ask(context.WithoutCancel(ctx), r)
		if !a.done() {
			pause(ctx, 5*time.Millisecond)
			continue
		}
		w.acknowledged.Add(1)
		if a.replication == "complete" {
			w.complete.Add(1)
		}
		w.mu.Lock()
		w.latest[key] = max(w.latest[key], a.version)
		w.mu.Unlock()
	}
}

// check holds what is there against what was acknowledged.
func (w *copiedWrites) check(t *testing.T, have map[string]store.Entry) {
	t.Helper()
	for key, version := range w.latest {
		if e, there := have[key]; there && e.Version < version {
			t.Errorf("%s is at version %d, and %d was acknowledged", key, e.Version, version)
		}
	}
}

// membersAlone gives each member by itself, by a process that has no other. A file is
// given up for that by the process that keeps it.
func (c *cluster) membersAlone(t *testing.T, look func(primary, secondary store.Store)) {
	t.Helper()
	second := c.cache.URL
	if c.file {
		i := c.instances[0]
		if err := i.process.Stop(); err != nil {
			t.Fatal(err)
		}
		defer i.serve()
		second = "bolt://" + filepath.Join(i.options.Dir, "local.db")
	}
	primary, stop := c.alone(t, c.database.URL("postgres"))
	defer stop()
	secondary, stop := c.alone(t, second)
	defer stop()
	look(primary, secondary)
}

// alone is a store as a process gives it that has no other.
func (c *cluster) alone(t *testing.T, url string) (s store.Store, stop func()) {
	t.Helper()
	reader := c.binary.Serve(t, testenv.Options{Env: []string{"LARDER_PRIMARY=" + url}})
	s, err := httpstore.Open(t.Context(), httpstore.Options{URL: reader.URL})
	if err != nil {
		t.Fatal(err)
	}
	return s, func() {
		if err := reader.Stop(); err != nil {
			t.Error(err)
		}
	}
}

// held is all that a store has in a table.
func held(t *testing.T, s store.Store, table string) map[string]store.Entry {
	t.Helper()
	all := make(map[string]store.Entry)
	for q := (store.Scan{Table: table}); ; {
		page, err := s.Scan(t.Context(), q)
		if err != nil {
			t.Fatalf("reading a member: %v", err)
		}
		for _, e := range page.Entries {
			all[e.Key] = e
		}
		if q.After = page.Next; q.After == "" {
			return all
		}
	}
}

// differences says where two members are not the same.
func differences(have, copied map[string]store.Entry) (all []string) {
	for key, e := range have {
		if other, there := copied[key]; !there || !other.Equal(e) {
			all = append(all, fmt.Sprintf("%s is %s at version %d in the primary, and %s at %d in the secondary", key, e.Value.Data, e.Version, other.Value.Data, other.Version))
		}
	}
	for key, e := range copied {
		if _, there := have[key]; !there {
			all = append(all, fmt.Sprintf("%s, at version %d in the secondary, is not in the primary", key, e.Version))
		}
	}
	return all
}
