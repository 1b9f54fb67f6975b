package faults_test

import (
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"larder/internal/testenv"
)

// TestTheDatabaseGoesBack has PostgreSQL come back with the files of some time ago, as
// after a restore. Versions are given anew then, and a copy from before has the version of
// what has been written since; it is not served for longer than δ. Without the condition
// that a copy is of the primary's epoch, it is.
func TestTheDatabaseGoesBack(t *testing.T) {
	t.Parallel()
	binary := testenv.BuildTagged(t, "larder_mutants")
	for _, tt := range []struct{ without, reads string }{{"", `"after"`}, {"same_epoch", `"before"`}} {
		t.Run("without "+tt.without, func(t *testing.T) {
			t.Parallel()
			c := start(t, binary, options{instances: 2, routes: "*=cache-aside(pg,hot)", env: []string{"CACHEASIDE_WITHOUT=" + tt.without}})
			if got := c.readAfterRestore(t); got != tt.reads {
				t.Errorf("%s is read, want %s", got, tt.reads)
			}
		})
	}
}

// readAfterRestore writes a key, restores what was there before, writes it again by way of
// an instance that can't reach the cache, and gives what the other one has for it when δ is
// over.
func (c *cluster) readAfterRestore(t *testing.T) string {
	t.Helper()
	writer, reader := c.instances[0], c.instances[1]
	put := func(i *instance, value string) int64 {
		t.Helper()
		a := i.ask(t.Context(), request{method: http.MethodPut, table: "t", key: "k", body: value})
		if !a.done() {
			t.Fatalf("a write is not done: %+v", a)
		}
		return a.version
	}
	put(writer, `"first"`)
	backup := c.database.DataDir + ".backup"
	c.database.Stop(t)
	copyFiles(t, c.database.DataDir, backup)
	c.database.Start(t)
	c.settle(t, "other")
	for range 100 { // of which none is there afterwards: the feed goes back
		a := reader.ask(t.Context(), request{method: http.MethodPut, table: "t", key: "busy", body: "1"})
		if !a.done() {
			t.Fatalf("a write is not done: %+v", a)
		}
	}
	// Reads of copies keep the feed followed, and copies are of a moment after all that.
	for deadline := time.Now().Add(staleness); time.Now().Before(deadline); wait(t, 10*time.Millisecond) {
		reader.ask(t.Context(), request{table: "t", key: "busy"})
	}
	before := put(reader, `"before"`)
	var last answer
	eventually(t, "a copy of the key", func() bool {
		last = reader.ask(t.Context(), request{table: "t", key: "k"})
		return last.copied
	}, func() string { return last.status })

	c.database.Stop(t)
	if err := os.RemoveAll(c.database.DataDir); err != nil {
		t.Fatal(err)
	}
	copyFiles(t, backup, c.database.DataDir)
	c.database.Start(t)
	writer.toCache.Refuse()
	writer.toCache.CutAll()
	defer writer.toCache.Resume()
	c.settle(t, "t")
	if after := put(writer, `"after"`); after != before {
		t.Fatalf("the database has gone back, and then a key is at version %d, where it was at %d before", after, before)
	}
	var copied answer
	for deadline := time.Now().Add(3*staleness + slack); time.Now().Before(deadline); wait(t, 10*time.Millisecond) {
		last = reader.ask(t.Context(), request{table: "t", key: "k"})
		if last.copied {
			copied = last
		}
	}
	if !copied.copied {
		t.Fatal("no copy has answered since")
	}
	return last.body
}

// copyFiles copies a directory with its owners.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), "cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
}
