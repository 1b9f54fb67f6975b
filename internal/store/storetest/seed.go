package storetest

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

var seedFlag = flag.String("storetest.seed", "", "the seed of random tests, as a failed one printed it; else LARDER_SEED, else another one each time")

// Seed gives the seed of a random test, and logs it.
func Seed(t testing.TB) uint64 {
	t.Helper()
	text := *seedFlag
	if text == "" {
		text = os.Getenv("LARDER_SEED")
	}
	seed := uint64(time.Now().UnixNano())
	if text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("the seed is a whole number: %v", err)
		}
	}
	t.Logf("seed %d (again with LARDER_SEED=%d, or with -storetest.seed=%d)", seed, seed, seed)
	return seed
}

// save writes what a random test did to a file that outlives it, and names it:
// among the test's artifacts where go test keeps those, else in a new directory.
func save(t testing.TB, name, text string) {
	t.Helper()
	dir := t.ArtifactDir()
	if kept := flag.Lookup("test.artifacts"); kept == nil || kept.Value.String() != "true" {
		var err error
		if dir, err = os.MkdirTemp("", "storetest-"); err != nil { //nolint:usetesting // it has to outlive the test
			t.Errorf("saving %s: %v", name, err)
			return
		}
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Errorf("saving %s: %v", name, err)
		return
	}
	t.Logf("saved to %s", path)
}
