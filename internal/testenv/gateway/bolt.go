package gateway

import (
	"path/filepath"
	"testing"
	"time"

	"larder/internal/backend/boltstore"
	"larder/internal/store"
)

// OpenBolt opens a store of its own in a fresh file, for a test to serve and to
// close. It does not wait for the disk.
func OpenBolt(t testing.TB, now func() time.Time) store.Store {
	t.Helper()
	s, err := boltstore.Open(boltstore.Options{Path: filepath.Join(t.TempDir(), "larder.db"), Now: now, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
