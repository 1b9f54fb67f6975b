package testenv

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// StartStandby copies a running server with pg_basebackup and starts the copy
// as its hot standby, which streams what the first one writes. It is known to
// the first under a name, for synchronous_standby_names. The test's end stops
// it and removes its data.
func StartStandby(t testing.TB, primary *PostgresServer, name string, o PostgresOptions) *PostgresServer {
	t.Helper()
	dir, err := PostgresDir()
	if err != nil {
		t.Fatal(err)
	}
	o.DataDir = filepath.Join(dir, "data")
	t.Cleanup(func() { // after StartPostgres' own, which stops it
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("the standby's data: %v", err)
		}
	})
	binary, err := PostgresBinary("pg_basebackup")
	if err != nil {
		t.Fatal(err)
	}
	source := strings.Replace(primary.URL("postgres"), "/postgres?", "/?", 1) + "&application_name=" + name
	backup := exec.CommandContext(t.Context(), binary, "-d", source, "-D", o.DataDir, "-R", "-X", "stream", "-c", "fast", "--no-sync")
	backup.Dir = dir
	backup.Env = postgresEnviron()
	backup.SysProcAttr = asPostgres()
	if output, err := backup.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v\n%s", err, output)
	}
	return StartPostgres(t, o)
}

// Promote makes a standby a primary, and returns when it takes writes.
func (s *PostgresServer) Promote(t testing.TB) {
	t.Helper()
	s.tell(t, "select pg_promote(true, 60)")
}

// PauseReplay has a standby still receive what the primary writes, and show
// nothing of it, until ResumeReplay.
func (s *PostgresServer) PauseReplay(t testing.TB) {
	t.Helper()
	s.tell(t, "select pg_wal_replay_pause()")
	s.wait(t, "select pg_get_wal_replay_pause_state() = 'paused'")
}

// ResumeReplay ends PauseReplay.
func (s *PostgresServer) ResumeReplay(t testing.TB) {
	t.Helper()
	s.tell(t, "select pg_wal_replay_resume()")
}

// CatchUp waits until a standby shows all that its primary has written by now.
func (s *PostgresServer) CatchUp(t testing.TB, primary *PostgresServer) {
	t.Helper()
	var at string
	primary.read(t, "select pg_current_wal_insert_lsn()::text", &at)
	s.wait(t, "select pg_last_wal_replay_lsn() >= '"+at+"'")
}

func (s *PostgresServer) tell(t testing.TB, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), postgresTimeout)
	defer cancel()
	if err := execute(ctx, s.URL("postgres"), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// wait waits until a query gives true.
func (s *PostgresServer) wait(t testing.TB, sql string) {
	t.Helper()
	err := await(postgresTimeout, func() (holds bool, err error) {
		s.read(t, sql, &holds)
		return holds, nil
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (s *PostgresServer) read(t testing.TB, sql string, into any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), postgresTimeout)
	defer cancel()
	err := connected(ctx, s.URL("postgres"), func(conn *pgx.Conn) error { return conn.QueryRow(ctx, sql).Scan(into) })
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
