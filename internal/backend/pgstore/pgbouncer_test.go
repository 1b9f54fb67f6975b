package pgstore

import (
	"net/url"
	"testing"

	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// throughPgBouncer gives new databases by way of one PgBouncer.
func throughPgBouncer(t *testing.T) func(testing.TB) string {
	t.Helper()
	bouncer, err := url.Parse(testenv.PgBouncer(t, testenv.Postgres(t)))
	if err != nil {
		t.Fatal(err)
	}
	return func(t testing.TB) string {
		t.Helper()
		direct, err := url.Parse(testenv.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		direct.Host = bouncer.Host
		return direct.String()
	}
}

// TestStoreThroughPgBouncer asks of the store all that it promises, where each
// transaction may be on another session.
func TestStoreThroughPgBouncer(t *testing.T) {
	storetest.Run(t, harnessOn(throughPgBouncer(t)))
}

// TestPgBouncerIsNoticed holds that a store knows what it is connected to.
func TestPgBouncerIsNoticed(t *testing.T) {
	t.Parallel()
	if f := open(t); f.pool.pooled {
		t.Error("a server is taken for a pooler")
	}
	if f := open(t, func(o *Options) { o.URL = throughPgBouncer(t)(t) }); !f.pool.pooled {
		t.Error("PgBouncer is taken for a server")
	}
}
