package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"larder/api"
	"larder/cmd/larder/internal/remote"
	"larder/internal/testenv"
)

// TestCopy copies a table from one file to another.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	larder := start(
		t, "LARDER_PRIMARY=", "LARDER_ROUTES=*=primary-only(a)",
		"LARDER_BACKENDS=a=bolt://"+filepath.Join(dir, "a.db")+"; b=bolt://"+filepath.Join(dir, "b.db"),
	)
	larder.must("", "put", "users", "ada", `{"n": 1}`)
	var came copied
	if err := json.Unmarshal([]byte(larder.must("", "copy", "--from", "a", "--to", "b", "--tables", "users")), &came); err != nil || came.Compared != 1 {
		t.Errorf("it came to %+v, %v", came, err)
	}
	if r := larder.call("", "copy", "--from", "a", "--to", "b"); r.code != exitFailed || !strings.Contains(r.err, "users has entries in b already") {
		t.Errorf("once more it exits with %d:\n%s%s", r.code, r.out, r.err)
	}
	larder.must("", "copy", "--from", "a", "--to", "b", "--newer")
	if r := larder.call("", "copy", "--from", "a"); r.code != exitUsage {
		t.Errorf("without a target it exits with %d:\n%s%s", r.code, r.out, r.err)
	}
}

// TestMoveGoesOn kills the larder that moves a table from PostgreSQL to Redis. Another one,
// through which keys are counted up all the time, carries it on, and loses no count.
func TestMoveGoesOn(t *testing.T) {
	t.Parallel()
	redis := testenv.Redis(t)
	env := []string{
		"LARDER_PRIMARY=", "LARDER_BACKENDS=pg=" + testenv.Postgres(t) + "; hot=" + redis.URL,
		"LARDER_ROUTES=*=primary-only(pg)", "LARDER_REDIS_PREFIX=" + redis.Prefix,
	}
	runs, other := start(t, env...), start(t, env...)
	var lines strings.Builder
	for n := range 3000 {
		fmt.Fprintf(&lines, "{\"table\":\"users\",\"key\":\"k%d\",\"value\":%d}\n", n, n)
	}
	runs.must(lines.String(), "import", "-")
	runs.must("", "put", "users", "count", "0")
	larder, err := api.NewClient(runs.url(""))
	if err != nil {
		t.Fatal(err)
	}
	asked := api.CopyRequest{From: "pg", To: "hot", Tables: "users", Switch: true}
	var op api.Operation
	if err := remote.Read(larder.CopyTables(t.Context(), asked))(&op); err != nil {
		t.Fatal(err)
	}
	runs.signal(syscall.SIGKILL)
	counted := 0
	if larder, err = api.NewClient(other.url("")); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); op.State == api.OperationStateRunning; {
		if time.Now().After(deadline) {
			t.Fatalf("it is at %+v", op)
		}
		var told api.IncrementResult
		if err := remote.Read(larder.IncrementKey(t.Context(), "users", "count", &api.IncrementKeyParams{}, api.IncrementRequest{Delta: []byte("1")}))(&told); err == nil {
			counted++
		} else if _, again := remote.Retry(err); !again {
			t.Fatal(err)
		}
		if err := remote.Read(larder.GetOperation(t.Context(), op.ID))(&op); err != nil {
			t.Fatal(err)
		}
	}
	var came copied
	if err := json.Unmarshal(op.Result, &came); err != nil || op.State != api.OperationStateSucceeded || !came.Switched || came.Compared < 3000 {
		t.Errorf("it came to %s %s %+v, %v", op.State, op.Result, op.Error, err)
	}
	if got := strings.TrimSpace(other.must("", "get", "users", "count")); got != strconv.Itoa(counted) {
		t.Errorf("of %d counts are left %s", counted, got)
	}
	if got := strings.TrimSpace(other.must("", "get", "users", "k2999")); got != "2999" {
		t.Errorf("k2999 is %s", got)
	}
	if got := other.must("", "copy", "--from", "hot", "--to", "pg", "--tables", "users", "--newer"); !strings.Contains(got, `"compared":3001`) {
		t.Errorf("back it came to %s", got)
	}
}
