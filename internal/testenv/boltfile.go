package testenv

import (
	"testing"

	"larder/internal/backend/boltstore"
)

// CheckBoltFile opens a file that no process has open, and holds all of it
// against what it has to be: bbolt's pages, and that every order, index and
// count agrees with the entries.
func CheckBoltFile(t testing.TB, path string) {
	t.Helper()
	s, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		t.Fatalf("%s does not open: %v", path, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("%s is not clean: %v", path, err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("%s does not close: %v", path, err)
	}
}
