package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"larder/internal/store"
)

func TestOpenTakesRelativeAndAbsolutePaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, test := range []struct{ url, path string }{
		{"bolt://./data/a.db", filepath.Join(dir, "data", "a.db")},
		{"bolt://b.db", filepath.Join(dir, "b.db")},
		{"bolt://" + filepath.Join(dir, "c.db"), filepath.Join(dir, "c.db")},
	} {
		s, err := Open(t.Context(), test.url, Options{Name: "first"})
		if err != nil {
			t.Fatalf("%s: %v", test.url, err)
		}
		if name := s.Info().Name; name != "first" {
			t.Errorf("%s: the store is called %q", test.url, name)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: Close: %v", test.url, err)
		}
		if _, err := os.Stat(test.path); err != nil {
			t.Errorf("%s: %v", test.url, err)
		}
	}
}

func TestOpenNamesTheSchemesItKnows(t *testing.T) {
	for _, url := range []string{"", "larder.db", "bolt:larder.db", "mongo://somewhere", "://x"} {
		s, err := Open(t.Context(), url, Options{})
		if s != nil || !errors.Is(err, store.Unsupported) {
			t.Errorf("%q: got %v, %v; want %s", url, s, err, store.Unsupported)
			continue
		}
		if detail := store.AsError(err).Detail; !strings.Contains(detail, "bolt://") {
			t.Errorf("%q: %q does not name bolt://", url, detail)
		}
	}
}

func TestOpenFailsAsTheBackendDoes(t *testing.T) {
	s, err := Open(t.Context(), "bolt://", Options{})
	if s != nil || err == nil {
		t.Errorf("without a path: got %v, %v; want an error", s, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s, err = Open(ended, "bolt://"+filepath.Join(t.TempDir(), "a.db"), Options{})
	if s != nil || !errors.Is(err, store.Canceled) {
		t.Errorf("for one who went away: got %v, %v; want %s", s, err, store.Canceled)
	}
}
