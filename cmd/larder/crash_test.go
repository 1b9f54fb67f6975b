package main_test

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"larder/api"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// TestKilledUnderLoad kills the server as kill -9 does, again and again, at
// random moments while many clients write. Each time, the file has to be
// clean, every acknowledged write there at its version and with its value, and
// of every write without an answer all or nothing.
func TestKilledUnderLoad(t *testing.T) {
	dir := t.TempDir()
	killedUnderLoad(t, 5, api.MaintenanceActionCompact, testenv.Options{Dir: dir}, func() {
		testenv.CheckBoltFile(t, filepath.Join(dir, "data", "larder.db"))
	})
}

// TestKilledUnderLoadOverPostgres does so where the entries are in PostgreSQL,
// which goes on running.
func TestKilledUnderLoadOverPostgres(t *testing.T) {
	url := testenv.Postgres(t)
	killedUnderLoad(t, 3, api.MaintenanceActionVacuum, testenv.Options{Env: []string{"LARDER_PRIMARY=" + url}}, func() {
		testenv.AwaitNoSessions(t, url)
	})
}

// TestKilledUnderLoadOverRedis does so where the entries are in Redis.
func TestKilledUnderLoadOverRedis(t *testing.T) {
	site := testenv.Redis(t)
	env := []string{"LARDER_PRIMARY=" + site.URL, "LARDER_REDIS_PREFIX=" + site.Prefix}
	killedUnderLoad(t, 3, api.MaintenanceActionCleanup, testenv.Options{Env: env}, func() {})
}

// killedUnderLoad kills a server so many times, or ten times as often in a soak.
// check is for when it is gone.
func killedUnderLoad(t *testing.T, kills int, maintenance api.MaintenanceAction, at testenv.Options, check func()) {
	t.Helper()
	if os.Getenv("LARDER_SOAK") != "" {
		kills *= 10
	}
	random := rand.New(rand.NewPCG(storetest.Seed(t), 0))
	binary := testenv.Build(t)
	book := newLedger()

	larder := binary.Serve(t, at)
	prepare(t, connect(t, larder))
	for kill := range kills {
		l := &load{
			client: connect(t, larder), book: book, seed: random.Uint64(), round: kill, maintenance: maintenance,
			enough: make(chan struct{}), killAfter: 100 + random.Int64N(900),
		}
		began := time.Now()
		l.run(larder.Kill)
		t.Logf("kill %d after %d acknowledged writes in %v", kill+1, l.acknowledged.Load(), time.Since(began).Round(time.Millisecond))

		check()
		larder = binary.Serve(t, at)
		found := takeStock(t, connect(t, larder))
		for _, fault := range book.settle(found) {
			t.Errorf("after kill %d: %s", kill+1, fault)
		}
		if t.Failed() {
			return
		}
	}
	if err := larder.Stop(); err != nil {
		t.Errorf("after all that, larder does not end well: %v", err)
	}
	check()
}

func connect(t *testing.T, larder *testenv.Larder) *api.ClientWithResponses {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := api.NewClientWithResponses(larder.URL,
		api.WithHTTPClient(&http.Client{Transport: transport, Timeout: time.Minute}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// prepare makes the index that kills shall not put out of step.
func prepare(t *testing.T, client *api.ClientWithResponses) {
	t.Helper()
	by := api.IndexDefinition{Fields: []api.IndexField{{Path: "/by", Type: api.IndexFieldTypeNumber}}}
	made, err := client.PutIndexWithResponse(t.Context(), registers, "by", by)
	if err != nil {
		t.Fatal(err)
	}
	if made.JSON201 == nil {
		t.Fatalf("no index: %s: %s", made.Status(), made.Body)
	}
}
