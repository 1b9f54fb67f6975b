package testenv_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"larder/internal/testenv"
)

// TestMain also shows that a server leaves no goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func ask[T any](t *testing.T, conn *pgx.Conn, sql string, arguments ...any) (answer T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, arguments...).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

func execute(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("a database of one's own", func(t *testing.T) {
		a, b := connect(t, testenv.Postgres(t)), connect(t, testenv.Postgres(t))
		name = ask[string](t, a, "select current_database()")
		if ask[string](t, a, "select id from public.storage_meta") == ask[string](t, b, "select id from public.storage_meta") {
			t.Error("two databases have one identity")
		}
		execute(t, a, "insert into public.storage_indexes values ('t', 'i', '{}', 'r', true)")
		if n := ask[int](t, b, "select count(*) from public.storage_indexes"); n != 0 {
			t.Errorf("the other database has %d rows of this one's", n)
		}
		empty := connect(t, testenv.EmptyPostgres(t, ""))
		if n := ask[int](t, empty, "select count(*) from pg_class where relnamespace = 'public'::regnamespace"); n != 0 {
			t.Errorf("an empty database has %d relations", n)
		}
	})
	conn := connect(t, testenv.EmptyPostgres(t, ""))
	if n := ask[int](t, conn, "select count(*) from pg_database where datname = $1", name); n != 0 {
		t.Error("the database outlives its test")
	}
}

func TestPostgresOfOtherLocale(t *testing.T) {
	t.Parallel()
	conn := connect(t, testenv.EmptyPostgres(t, "locale_provider icu icu_locale 'en-US' locale 'C'"))
	if !ask[bool](t, conn, "select 'a' < 'B'") {
		t.Error("the database orders by bytes")
	}
}

func TestPostgresServerComesBack(t *testing.T) {
	t.Parallel()
	s := testenv.StartPostgres(t, testenv.PostgresOptions{Durable: true, Settings: map[string]string{"work_mem": "5MB"}})
	conn := connect(t, s.URL("postgres"))
	if got := ask[string](t, conn, "show work_mem") + ask[string](t, conn, "show fsync"); got != "5MBon" {
		t.Errorf("work_mem and fsync are %s", got)
	}
	execute(t, conn, "create table kept (n int)")
	for range 3 {
		execute(t, conn, "insert into kept values (1)")
		s.Kill(t)
		if err := conn.Ping(t.Context()); err == nil {
			t.Fatal("a killed server answers")
		}
		s.Start(t)
		conn = connect(t, s.URL("postgres"))
	}
	s.Stop(t)
	s.Start(t)
	conn = connect(t, s.URL("postgres"))
	if n := ask[int](t, conn, "select count(*) from kept"); n != 3 {
		t.Errorf("of 3 rows committed before a kill there are %d", n)
	}
}

func TestPostgresServerLeavesNothing(t *testing.T) {
	t.Parallel()
	var dir string
	t.Run("server", func(t *testing.T) {
		s := testenv.StartPostgres(t, testenv.PostgresOptions{})
		dir = filepath.Dir(s.DataDir)
	})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}
