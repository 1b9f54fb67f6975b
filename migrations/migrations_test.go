package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"larder/internal/testenv"
	"larder/migrations"
)

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

func execute(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func up(t *testing.T, conn *pgx.Conn, schema string) {
	t.Helper()
	if err := migrations.Up(t.Context(), conn, schema, nil); err != nil {
		t.Fatalf("Up: %v", err)
	}
}

func down(t *testing.T, conn *pgx.Conn, schema string, target int) {
	t.Helper()
	if err := migrations.Down(t.Context(), conn, schema, target, nil); err != nil {
		t.Fatalf("Down to %d: %v", target, err)
	}
}

// stands fails unless the schema is at a version.
func stands(t *testing.T, conn *pgx.Conn, schema string, version int) {
	t.Helper()
	s, err := migrations.Read(t.Context(), conn, schema)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	applied := 0
	for _, m := range s.Migrations {
		if m.Applied {
			applied++
		}
	}
	if s.Version != version || s.Latest != migrations.Latest() || applied != min(version, s.Latest) || len(s.Migrations) != s.Latest {
		t.Errorf("%s stands at %+v, want version %d", schema, s, version)
	}
}

// catalog lists every column, index and constraint of a schema.
func catalog(t *testing.T, conn *pgx.Conn, schema string) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
select format('%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = $1::text::regnamespace
union all select indexdef from pg_indexes where schemaname = $1::text
union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = $1::text::regnamespace
union all select proname from pg_proc where pronamespace = $1::text::regnamespace
order by 1`, schema)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestDownUndoesEach(t *testing.T) {
	conn := connect(t, testenv.EmptyPostgres(t, ""))
	up(t, conn, "public")
	stands(t, conn, "public", migrations.Latest())
	all := catalog(t, conn, "public")
	for n := migrations.Latest(); n >= 0; n-- {
		down(t, conn, "public", n)
		stands(t, conn, "public", n)
		before := catalog(t, conn, "public")
		up(t, conn, "public")
		if again := catalog(t, conn, "public"); again != all {
			t.Errorf("from %d up again:\n%s\nwant\n%s", n, again, all)
		}
		down(t, conn, "public", n)
		if after := catalog(t, conn, "public"); after != before {
			t.Errorf("down to %d again:\n%s\nwant\n%s", n, after, before)
		}
	}
	up(t, conn, "public")
	execute(t, conn, `create index "of ours" on public.storage_entries ((value->>'a')); insert into public.storage_indexes values ('t', 'i', '{}', 'of ours', true)`)
	down(t, conn, "public", 2)
	if left := catalog(t, conn, "public"); strings.Contains(left, "of ours") {
		t.Errorf("an index outlives the list of indexes:\n%s", left)
	}
	down(t, conn, "public", 0)
	if left := catalog(t, conn, "public"); strings.Contains(left, "storage_entries") {
		t.Errorf("down to 0 leaves\n%s", left)
	}
	if err := migrations.Down(t.Context(), conn, "public", migrations.Latest()+1, nil); err == nil {
		t.Error("down to a version that there is none of")
	}
}

func TestStepsAreTold(t *testing.T) {
	conn := connect(t, testenv.EmptyPostgres(t, ""))
	var steps []migrations.Step
	tell := func(s migrations.Step) { steps = append(steps, s) }
	if err := migrations.Up(t.Context(), conn, "public", tell); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Down(t.Context(), conn, "public", 1, tell); err != nil {
		t.Fatal(err)
	}
	want := []migrations.Step{
		{Version: 1, Name: "001_entries.sql"},
		{Version: 2, Name: "002_tables.sql"},
		{Version: 3, Name: "003_indexes.sql"},
		{Version: 4, Name: "004_ordered.sql"},
		{Version: 3, Name: "004_ordered.sql", Down: true},
		{Version: 2, Name: "003_indexes.sql", Down: true},
		{Version: 1, Name: "002_tables.sql", Down: true},
	}
	if !slices.Equal(steps, want) {
		t.Errorf("told %+v", steps)
	}
}

func TestEightAtOnce(t *testing.T) {
	eightAtOnce(t, testenv.EmptyPostgres(t, ""), 5)
}

// TestEightAtOnceThroughPgBouncer has fewer connections to the server than
// there are larders, and each transaction on whichever is free.
func TestEightAtOnceThroughPgBouncer(t *testing.T) {
	direct := testenv.EmptyPostgres(t, "")
	eightAtOnce(t, testenv.PgBouncer(t, direct), 3)
	var locks int
	if err := connect(t, direct).QueryRow(t.Context(), "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())").Scan(&locks); err != nil || locks != 0 {
		t.Errorf("%d locks are left in the pooler's sessions, %v", locks, err)
	}
}

func eightAtOnce(t *testing.T, url string, rounds int) {
	t.Helper()
	for range rounds {
		var running sync.WaitGroup
		var steps atomic.Int64
		for range 8 {
			conn := connect(t, url)
			running.Go(func() {
				if err := migrations.Up(t.Context(), conn, "larder", func(migrations.Step) { steps.Add(1) }); err != nil {
					t.Errorf("Up: %v", err)
				}
			})
		}
		running.Wait()
		if int(steps.Load()) != migrations.Latest() {
			t.Errorf("%d steps were run, want %d", steps.Load(), migrations.Latest())
		}
		conn := connect(t, url)
		stands(t, conn, "larder", migrations.Latest())
		down(t, conn, "larder", 0)
	}
}

func TestSchemasLiveSideBySide(t *testing.T) {
	conn := connect(t, testenv.EmptyPostgres(t, ""))
	const odd = `Sch"ema; drop`
	up(t, conn, "one")
	up(t, conn, odd)
	stands(t, conn, "public", 0)
	execute(t, conn, `insert into one.storage_indexes values ('t', 'i', '{}', 'r', true)`)
	down(t, conn, odd, 0)
	stands(t, conn, odd, 0)
	stands(t, conn, "one", migrations.Latest())
	var rows int
	if err := conn.QueryRow(t.Context(), "select count(*) from one.storage_indexes").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("the other schema has %d rows, %v", rows, err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	conn := connect(t, testenv.EmptyPostgres(t, ""))
	up(t, conn, "public")
	newest := migrations.Latest() + 2
	if _, err := conn.Exec(t.Context(), "update public."+migrations.VersionTable+" set version = $1", newest); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Up":   migrations.Up(t.Context(), conn, "public", nil),
		"Down": migrations.Down(t.Context(), conn, "public", 0, nil),
	} {
		newer, is := errors.AsType[*migrations.NewerError](err)
		if !is || newer.Version != newest || newer.Known != migrations.Latest() || newer.Schema != "public" {
			t.Errorf("%s says %v", name, err)
		}
	}
	stands(t, conn, "public", newest)
}

func TestFailedMigrationLeavesAWholeVersion(t *testing.T) {
	conn := connect(t, testenv.EmptyPostgres(t, ""))
	execute(t, conn, "create table public.storage_meta (in_the_way int)")
	if err := migrations.Up(t.Context(), conn, "public", nil); err == nil || !strings.Contains(err.Error(), "002_tables.sql") {
		t.Fatalf("Up over a foreign table: %v", err)
	}
	stands(t, conn, "public", 1)
	execute(t, conn, "drop table public.storage_meta")
	up(t, conn, "public")
	stands(t, conn, "public", migrations.Latest())
}

func TestWaitEndsWithItsContext(t *testing.T) {
	url := testenv.EmptyPostgres(t, "")
	blocker, holder, waiter := connect(t, url), connect(t, url), connect(t, url)
	execute(t, blocker, "begin; create table public."+migrations.VersionTable+" (version int4)")
	var held sync.WaitGroup
	held.Go(func() {
		if err := migrations.Up(t.Context(), holder, "public", nil); err != nil {
			t.Errorf("Up once nothing is in the way: %v", err)
		}
	})
	for taken := false; !taken; {
		if err := blocker.QueryRow(t.Context(), "select exists (select from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database()))").Scan(&taken); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := migrations.Up(ctx, waiter, "public", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Up under another's lock: %v", err)
	}
	execute(t, blocker, "rollback")
	held.Wait()
}

func TestRoleAndDatabaseAsTheyAre(t *testing.T) {
	t.Run("defaults of the role do no harm", func(t *testing.T) {
		conn := connect(t, testenv.EmptyPostgres(t, ""))
		execute(t, conn, "set default_transaction_isolation = 'serializable'; set default_transaction_read_only = on; set statement_timeout = 1; set search_path = nowhere")
		up(t, conn, "public")
		execute(t, conn, "set statement_timeout = 0") // reading is not bounded by a millisecond
		stands(t, conn, "public", migrations.Latest())
	})
	t.Run("a role that may only use its schema", func(t *testing.T) {
		conn := connect(t, testenv.EmptyPostgres(t, ""))
		role := fmt.Sprintf("larder_test_%d", os.Getpid()) // a role is the whole server's
		execute(t, conn, "create role "+role+"; create schema theirs authorization "+role+"; set role "+role)
		t.Cleanup(func() {
			_, err := conn.Exec(context.WithoutCancel(t.Context()), "reset role; drop owned by "+role+"; drop role "+role)
			if err != nil {
				t.Error(err)
			}
		})
		up(t, conn, "theirs")
		stands(t, conn, "theirs", migrations.Latest())
	})
	t.Run("a locale of any kind", func(t *testing.T) {
		conn := connect(t, testenv.EmptyPostgres(t, "locale_provider icu icu_locale 'en-US' locale 'C'"))
		up(t, conn, "public")
		execute(t, conn, `insert into public.storage_entries (table_name, key, version, updated_at, deleted, xid, sequence)
			select 't', key, 1, now(), false, pg_current_xact_id(), 0 from unnest(array['a', 'B', '_', 'é']) key`)
		var keys string
		if err := conn.QueryRow(t.Context(), "select string_agg(key, '' order by key) from public.storage_entries").Scan(&keys); err != nil || keys != "B_aé" {
			t.Errorf("keys come as %q, %v", keys, err)
		}
	})
	t.Run("another encoding", func(t *testing.T) {
		conn := connect(t, testenv.EmptyPostgres(t, "encoding 'LATIN1' locale 'C'"))
		err := migrations.Up(t.Context(), conn, "public", nil)
		if _, unfit := errors.AsType[*migrations.UnfitError](err); !unfit {
			t.Errorf("Up in LATIN1: %v", err)
		}
	})
}
