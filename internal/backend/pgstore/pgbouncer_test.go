package pgstore

import (
	"testing"

	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// throughPgBouncer gives a new database by way of a PgBouncer of its own: 1.18 can end
// itself at a request to cancel, such as a store that closes sends, and would take the
// other tests with it ("server_proto: server in bad state").
func throughPgBouncer(t testing.TB) string {
	t.Helper()
	return testenv.PgBouncer(t, testenv.Postgres(t))
}

// TestStoreThroughPgBouncer asks of the store all that it promises, where each
// transaction may be on another session.
func TestStoreThroughPgBouncer(t *testing.T) {
	storetest.Run(t, harnessOn(throughPgBouncer))
}

// TestPgBouncerIsNoticed holds that a store knows what it is connected to.
func TestPgBouncerIsNoticed(t *testing.T) {
	t.Parallel()
	if f := open(t); f.pool.pooled {
		t.Error("a server is taken for a pooler")
	}
	if f := open(t, func(o *Options) { o.URL = throughPgBouncer(t) }); !f.pool.pooled {
		t.Error("PgBouncer is taken for a server")
	}
}
