package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
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
