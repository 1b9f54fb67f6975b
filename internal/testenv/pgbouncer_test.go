package testenv_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"larder/internal/testenv"
)

// TestPgBouncer holds that it is what clients have to live with: each
// transaction may be on another session, with whatever was left in it, and the
// protocol's greeting names none of those.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	url := testenv.PgBouncer(t, testenv.Postgres(t))
	a, b := dial(t, url), dial(t, url)
	ctx := t.Context()
	if _, err := a.Prepare(ctx, "one", "select 1"); err != nil {
		t.Fatal(err)
	}
	session := ask[uint32](t, a, "select pg_backend_pid()", pgx.QueryExecModeExec)
	if session == a.PgConn().PID() {
		t.Error("the greeting names the session")
	}
	if err := exec(ctx, b, "begin"); err != nil {
		t.Fatal(err)
	}
	if got := ask[uint32](t, b, "select pg_backend_pid()", pgx.QueryExecModeExec); got != session {
		t.Errorf("the other client has session %d, and the first had %d", got, session)
	}
	if err := exec(ctx, a, "begin"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Exec(ctx, "one"); errorCode(err) != "26000" {
		t.Errorf("a prepared statement on another session: %v", err)
	}
	_, err := pgx.Connect(ctx, url+"&statement_timeout=1000")
	if err == nil || !strings.Contains(err.Error(), "unsupported startup parameter") {
		t.Errorf("a startup parameter: %v", err)
	}
}
