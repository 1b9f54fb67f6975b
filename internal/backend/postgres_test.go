package backend

import (
	"errors"
	"strings"
	"testing"

	"larder/internal/store"
	"larder/internal/testenv"
)

func TestOpenTakesPostgresURLs(t *testing.T) {
	url := testenv.EmptyPostgres(t, "")
	for _, address := range []string{url, strings.Replace(url, "postgres://", "postgresql://", 1)} {
		s, err := Open(t.Context(), address, Options{Name: "first", Postgres: Postgres{Schema: "theirs"}})
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if name := s.Info().Name; name != "first" {
			t.Errorf("%s: the store is called %q", address, name)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: Close: %v", address, err)
		}
	}
	schema, err := OpenSchema(t.Context(), url, Options{Postgres: Postgres{Schema: "theirs"}})
	if err != nil {
		t.Fatal(err)
	}
	defer schema.Close(t.Context())
	if status, err := schema.Status(t.Context()); err != nil || status.Version != status.Latest {
		t.Errorf("the schema stands at %+v, %v", status, err)
	}
}

func TestOpenFailsAsPostgresDoes(t *testing.T) {
	s, err := Open(t.Context(), "postgres://127.0.0.1:1/none?sslmode=disable", Options{Name: "first"})
	if e := store.AsError(err); s != nil || !errors.Is(err, store.Unavailable) || e.Backend != "first" || e.Detail == "" {
		t.Errorf("without a server: got %v, %v", s, err)
	}
	if _, err := OpenSchema(t.Context(), "bolt://./x.db", Options{}); !errors.Is(err, store.Unsupported) {
		t.Errorf("the schema of a file: %v", err)
	}
}
