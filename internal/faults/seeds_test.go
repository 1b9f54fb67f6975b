package faults_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// soaks says whether there is time for many long runs.
func soaks() bool { return os.Getenv("LARDER_SOAK") != "" }

// seeds are those of a test's runs.
func seeds(t *testing.T) []uint64 {
	t.Helper()
	count := uint64(5)
	if soaks() {
		count = 50
	}
	first := number(t, "LARDER_FAULT_SEED", uint64(time.Now().UnixNano()))
	all := make([]uint64, number(t, "LARDER_FAULT_SEEDS", count))
	for i := range all {
		all[i] = first + uint64(i)
	}
	t.Logf("seed %d (again with LARDER_FAULT_SEED=%d)", first, first)
	return all
}

// number is a setting of the tests.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is a whole number: %v", name, err)
	}
	return n
}

// lasting is how long a run lasts: ten times as long in a soak.
func lasting(short time.Duration) time.Duration {
	if soaks() {
		short *= 10
	}
	return short
}

// save writes what a test saw to a file that outlives it, and names it.
func save(t *testing.T, name, text string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "larder-faults-") //nolint:usetesting // it has to outlive the test
	if err != nil {
		t.Errorf("saving %s: %v", name, err)
		return
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Errorf("saving %s: %v", name, err)
		return
	}
	t.Logf("saved to %s", path)
}

// wait lets some time pass, or less where the test ends.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// eventually asks until something holds, for half a minute; then tell says what held in
// its place.
func eventually(t *testing.T, what string, holds func() bool, tell func() string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); wait(t, 10*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s: %s", what, tell())
		}
	}
}
