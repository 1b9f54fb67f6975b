package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"larder/api"
	"larder/internal/testenv"
)

// TestPromote has a Redis that is the primary go for a while. The file takes its place, also
// for a larder that starts meanwhile, and gives it back nothing before they are compared.
func TestPromote(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{AppendOnly: true})
	env := []string{
		"LARDER_PRIMARY=", "LARDER_BACKENDS=hot=" + server.URL + "; local=bolt://" + filepath.Join(t.TempDir(), "local.db"),
		"LARDER_ROUTES=*=multi-write(hot,local)",
	}
	larder := start(t, env...)
	larder.must("", "put", "users", "ada", `{"n": 1}`)
	if r := larder.call("", "promote", "local"); r.code != exitFailed || !strings.Contains(r.err, "hot serves") {
		t.Errorf("while the primary serves it exits with %d:\n%s%s", r.code, r.out, r.err)
	}
	if r := larder.call("", "compare", "hot"); r.code != exitFailed || !strings.Contains(r.err, "nobody has taken the place of hot") {
		t.Errorf("with nobody replaced it exits with %d:\n%s%s", r.code, r.out, r.err)
	}
	server.Kill(t)
	var told api.Promotion
	for deadline := time.Now().Add(patience); ; {
		r := larder.call("", "promote", "local", "--dry-run")
		if err := json.Unmarshal([]byte(r.out), &told); err == nil && r.code == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it exits with %d:\n%s%s", r.code, r.out, r.err)
		}
	}
	if err := json.Unmarshal([]byte(larder.must("", "promote", "local")), &told); err != nil || told.Epoch != 1 || told.System != "local" || told.Replaced[0].Name != "hot" {
		t.Errorf("told %+v, %v", told, err)
	}
	larder.must("", "put", "users", "ada", `{"n": 2}`)
	larder.signal(syscall.SIGTERM)
	larder.exitCode()

	larder = start(t, env...)
	if got := larder.must("", "get", "users", "ada"); strings.TrimSpace(got) != `{"n":2}` {
		t.Errorf("one that starts later has %s", got)
	}
	server.Start(t)
	var came compared
	r := larder.call("", "compare", "hot") // waits until one that has just come back is called again
	if err := json.Unmarshal([]byte(r.out), &came); err != nil || came.With != "local" || !came.Lifted || came.Recovered != 0 {
		t.Errorf("it exits with %d, and came to %+v, %v\n%s", r.code, came, err, r.err)
	}
}

// TestComparedText says to a person what a comparison came to.
func TestComparedText(t *testing.T) {
	t.Parallel()
	c := compared{With: "hot", Recovered: 12, Overruled: 1, OverruledKeys: []keyRef{{"users", "k"}}, Lifted: true}
	for range 11 {
		c.RecoveredKeys = append(c.RecoveredKeys, keyRef{"t", "a"})
	}
	want := "12 keys that only pg had were written to hot: t/a, t/a, t/a, t/a, t/a, t/a, t/a, t/a, t/a, t/a and 2 more.\n" +
		"1 keys were written in both, and what hot has counts: users/k.\npg is no longer fenced.\n"
	if got := c.text("pg", false); got != want {
		t.Errorf("it says\n%s", got)
	}
	if got := (compared{With: "hot"}).text("pg", true); got != "0 keys that only pg had would be written to hot.\n0 keys were written in both, and what hot has would count.\n" {
		t.Errorf("of none it says\n%s", got)
	}
}
