package gateway

import (
	"context"
	"testing"
	"time"

	"larder/internal/backend/pgstore"
	"larder/internal/store"
	"larder/internal/testenv"
)

// OpenPostgres opens a store in a PostgreSQL database of its own, for a test to
// serve and to close. Its clock is the test's.
func OpenPostgres(t testing.TB, now func() time.Time) store.Store {
	t.Helper()
	return openPostgres(t, pgstore.Options{Now: now})
}

// OpenPostgresSQL opens one that runs statements of callers, with all rights.
func OpenPostgresSQL(t testing.TB) store.Store {
	t.Helper()
	return openPostgres(t, pgstore.Options{SQL: true})
}

// openPostgres opens a store that is one of many on a server: it has few
// connections, and waits for them.
func openPostgres(t testing.TB, o pgstore.Options) store.Store {
	t.Helper()
	o.URL = testenv.Postgres(t)
	o.MinConnections, o.MaxConnections, o.AcquireTimeout = 1, 6, time.Minute
	s, err := pgstore.Open(context.WithoutCancel(t.Context()), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
