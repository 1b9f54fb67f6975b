package pgstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// openSQL opens a store that runs statements.
func openSQL(t testing.TB, change ...func(*Options)) *fixture {
	t.Helper()
	return open(t, append(change, func(o *Options) { o.SQL = true })...)
}

// reading is a read-only statement.
func reading(text string, params ...string) store.SQLQuery {
	q := store.SQLQuery{Text: text}
	for _, param := range params {
		q.Params = append(q.Params, []byte(param))
	}
	return q
}

// writing is one that may write.
func writing(text string, params ...string) store.SQLQuery {
	q := reading(text, params...)
	q.Writes = true
	return q
}

// run runs a statement that has to succeed.
func (f *fixture) run(q store.SQLQuery) store.SQLAnswer {
	f.t.Helper()
	answer, err := f.RunSQL(f.t.Context(), q)
	if err != nil {
		f.t.Fatalf("%s: %v", q.Text, err)
	}
	return answer
}

// only gives the one row of a statement.
func (f *fixture) only(q store.SQLQuery) string {
	f.t.Helper()
	answer := f.run(q)
	if len(answer.Rows) != 1 {
		f.t.Fatalf("%s: %d rows", q.Text, len(answer.Rows))
	}
	return string(answer.Rows[0])
}

// refuses runs a statement that has to fail.
func (f *fixture) refuses(q store.SQLQuery, code store.Code) {
	f.t.Helper()
	_ = f.refusal(q, code)
}

// refusal runs a statement that has to fail, and gives how.
func (f *fixture) refusal(q store.SQLQuery, code store.Code) *store.Error {
	f.t.Helper()
	_, err := f.RunSQL(f.t.Context(), q)
	fails(f.t, q.Text, err, code)
	e := store.AsError(err)
	if e == nil {
		f.t.FailNow()
	}
	return e
}

func TestSQLReads(t *testing.T) {
	f := openSQL(t)
	f.apply(put("ada", `{"age":36}`), put("bob", `[1]`))
	answer := f.run(reading(`select key, value, version from storage_entries where table_name = $1 order by key`, `"t"`))
	want := []store.SQLColumn{{Name: "key", Type: "text"}, {Name: "value", Type: "jsonb"}, {Name: "version", Type: "int8"}}
	if fmt.Sprint(answer.Columns) != fmt.Sprint(want) {
		t.Errorf("the columns are %v", answer.Columns)
	}
	if got := fmt.Sprintf("%s", answer.Rows); got != `[["ada",{"age":36},1] ["bob",[1],1]]` {
		t.Errorf("the rows are %s", got)
	}
	if answer.Command != "SELECT" || answer.Count != 2 || answer.Truncated {
		t.Errorf("got %+v", answer)
	}
}

func TestSQLWrites(t *testing.T) {
	f := openSQL(t)
	for _, c := range []struct{ text, want string }{
		{"create table people (name text primary key, age int)", "CREATE TABLE 0"},
		{"with r as (select generate_series(1, 3) as n) select n from r", "SELECT 3"},
		{"explain select 1", "EXPLAIN 1"},
		{"show server_version", "SHOW 1"},
		{"select from people", "SELECT 0"},
		{"do $$ begin perform 1; end $$", "DO 0"},
		{"commit", "COMMIT 0"},
	} {
		answer := f.run(writing(c.text))
		if got := fmt.Sprintf("%s %d", answer.Command, answer.Count); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
	f.refuses(writing("vacuum"), store.SQLFailed) // no transaction may hold it
	if got := f.run(writing("insert into people values ($1, $2), ('bob', null)", `"ada"`, `36`)); got.Command != "INSERT" || got.Count != 2 {
		t.Errorf("got %+v", got)
	}
	if got := f.only(writing("update people set age = age + 1 where name = 'ada' returning age")); got != `[37]` {
		t.Errorf("got %s", got)
	}
	if got := f.only(reading("select sum(age) from people")); got != `[37]` {
		t.Errorf("got %s", got)
	}
}

// TestSQLIsReadOnlyUnlessAsked: and tells how to ask.
func TestSQLIsReadOnlyUnlessAsked(t *testing.T) {
	f := openSQL(t)
	f.apply(put("k", `1`))
	e := f.refusal(reading("delete from storage_entries"), store.SQLFailed)
	if !strings.Contains(e.Detail, "read_only") || !strings.Contains(e.Detail, "25006") {
		t.Errorf("it says %s", e.Detail)
	}
	f.holds("k", `1`)
}

// TestSQLIsOneStatement: what a statement is hidden in does not make it two.
func TestSQLIsOneStatement(t *testing.T) {
	f := openSQL(t)
	f.apply(put("k", `1`))
	for _, text := range []string{
		"select 1; select 2",
		"commit; drop table storage_entries",
		"rollback; drop table storage_entries; begin",
		"select 1 /* ; */; drop table storage_entries",
		"select $$;$$; drop table storage_entries",
		"copy storage_entries to stdout",
		"copy storage_entries to program 'touch /tmp/larder-was-here'",
		" \n-- copy\n /* a /* b */ c */ ; CoPy storage_entries from stdin",
		"-- x\rcopy (select 1) to stdout",
		"", " ", ";", "-- nothing", "/* nothing", "/* /* */",
	} {
		f.refuses(writing(text), store.InvalidSQL)
	}
	f.holds("k", `1`)
	if got := f.only(reading("select 1;; -- and no more")); got != "[1]" {
		t.Errorf("got %s", got)
	}
}

// TestSQLLeavesNothingBehind: no session serves two statements.
func TestSQLLeavesNothingBehind(t *testing.T) {
	f := openSQL(t)
	for _, text := range []string{
		"set role pg_monitor",
		"set search_path = nowhere",
		"set statement_timeout = 1",
		"select set_config('larder.left', 'behind', false)",
		"select pg_advisory_lock(7)",
		"create temp table scratch (n int)",
		"listen gossip",
		"begin",
	} {
		f.run(writing(text))
	}
	got := f.only(reading(`select current_user = session_user, current_setting('search_path') <> 'nowhere', current_setting('larder.left', true),
		to_regclass('pg_temp.scratch'), pg_try_advisory_xact_lock(7)`))
	if got != `[true,true,null,null,true]` {
		t.Errorf("got %s", got)
	}
}

// TestSQLIsHeldByGrants: a role of its own may do what it is granted, whatever
// the statement tries.
func TestSQLIsHeldByGrants(t *testing.T) {
	f := openSQL(t)
	role := fmt.Sprintf("larder_reader_%d", time.Now().UnixNano())
	admin := f.session()
	exec := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
			t.Error(err)
		}
	}
	exec("create role " + role + " login password 'secret'; grant select on storage_tables to " + role)
	t.Cleanup(func() { exec("drop owned by " + role + "; drop role " + role) })
	f.apply(put("k", `1`))

	as, err := url.Parse(f.options.URL)
	if err != nil {
		t.Fatal(err)
	}
	as.User = url.UserPassword(role, "secret")
	f.options.SQLURL = as.String()
	if f.sqlRunner, err = f.newSQLRunner(); err != nil {
		t.Fatal(err)
	}
	if got := f.only(reading("select current_user = $1, count(*) from storage_tables", `"`+role+`"`)); got != `[true,0]` {
		t.Errorf("got %s", got)
	}
	for _, text := range []string{
		"select * from storage_entries",
		"delete from storage_entries",
		"set role pg_monitor",
		"set session authorization pg_monitor",
		"alter role " + role + " superuser",
		"drop table storage_entries",
		"select pg_read_file('/etc/passwd')",
		"do $$ begin execute 'copy storage_tables to program ''true'''; end $$",
		"do $$ begin set local transaction_read_only = off; delete from storage_entries; end $$",
	} {
		if e := f.refusal(writing(text), store.SQLFailed); !strings.Contains(e.Detail, "42501") {
			t.Errorf("%s: %s", text, e.Detail)
		}
	}
	f.holds("k", `1`)
}

func TestSQLErrorsSayWhere(t *testing.T) {
	f := openSQL(t)
	f.run(writing("create table numbers (n int primary key, check (n < 10), unique (n) deferrable initially deferred)"))
	for _, c := range []struct {
		q             store.SQLQuery
		code          store.Code
		place, detail string
	}{
		{reading("selct 1"), store.InvalidSQL, "sql", `syntax error at or near "selct" (SQLSTATE 42601, at character 1)`},
		{reading("select * from nowhere"), store.InvalidSQL, "sql", `relation "nowhere" does not exist (SQLSTATE 42P01, at character 15)`},
		{reading("select $1::int", `"x"`), store.InvalidSQL, "params/0", `invalid input syntax for type integer: "x" (SQLSTATE 22P02)`},
		{reading("select $1::int, $2::int", `1`, `99999999999`), store.InvalidSQL, "params/1", ``},
		{reading("select $1", `1`, `2`), store.InvalidSQL, "params", "the statement has 1 parameters, and 2 are given"},
		{reading("select $2::text", `1`), store.InvalidSQL, "", ``},
		{reading("select $1::bytea", `"no base64"`), store.InvalidSQL, "params/0", ``},
		{reading("select $1::bytea", `{}`), store.InvalidSQL, "params/0", ``},
		{reading("select $1::int", `{"a":1}`), store.InvalidSQL, "params/0", ``},
		{reading("select 1 / (n - n) from generate_series(1, 2) n"), store.SQLFailed, "sql", "division by zero (SQLSTATE 22012)"},
		{writing("insert into numbers values (11)"), store.SQLFailed, "sql", ``},
		{writing("insert into numbers values (1), (1)"), store.SQLFailed, "sql", ``},
		{writing("do $$ begin raise exception 'so %', 'long'; end $$"), store.SQLFailed, "sql", "so long (SQLSTATE P0001)"},
		{writing("do $$ begin perform 1/0; end $$"), store.SQLFailed, "sql", "division by zero (SQLSTATE 22012)"},
		{reading("select repeat('x', 100000)::int"), store.SQLFailed, "sql", ``},
	} {
		e := f.refusal(c.q, c.code)
		if c.place != "" && e.Field+e.Pointer != c.place || c.detail != "" && e.Detail != c.detail || e.Detail == "" || len(e.Detail) > maxSQLMessage+100 || e.Err != nil {
			t.Errorf("%s: %+v", c.q.Text, e)
		}
	}
	if got := f.only(reading("select count(*) from numbers")); got != `[0]` {
		t.Errorf("a statement that failed has left %s", got)
	}
}

func TestSQLIsOffUnlessAsked(t *testing.T) {
	f := open(t)
	if caps := fmt.Sprint(f.Info().Capabilities); strings.Contains(caps, string(store.CanSQL)) {
		t.Errorf("it can do %v", caps)
	}
	f.refuses(reading("select 1"), store.Unsupported)
	if caps := fmt.Sprint(openSQL(t).Info().Capabilities); !strings.Contains(caps, string(store.CanSQL)) {
		t.Errorf("it can do %v", caps)
	}
}

// TestSQLWhoseCommitIsLost: whether it happened or not, nobody is told that it
// did not.
func TestSQLWhoseCommitIsLost(t *testing.T) {
	f := openSQL(t)
	proxy := testenv.ProxyPostgres(t, f.options.URL)
	f.run(writing("create table numbers (n int)"))
	f.options.SQLURL = proxy.URL
	var err error
	if f.sqlRunner, err = f.newSQLRunner(); err != nil {
		t.Fatal(err)
	}
	for _, cut := range []testenv.Cut{testenv.CutBeforeCommit, testenv.CutDuringCommit, testenv.CutAfterCommit} {
		proxy.OnCommit(func(testenv.Commit) testenv.Cut { return cut })
		f.refuses(writing("insert into numbers values (1)"), store.Ambiguous)
	}
	proxy.CutAfterBytes(600)
	f.refuses(writing("insert into numbers select generate_series(1, 100) returning n"), store.Unavailable)
	proxy.OnCommit(nil)
	if got := f.only(reading("select count(*) < 4 from numbers")); got != `[true]` {
		t.Errorf("got %s", got)
	}
}

func TestSQLWithoutAServer(t *testing.T) {
	f := openSQL(t)
	f.options.SQLURL = "postgres://nobody:secret@127.0.0.1:1/none"
	var err error
	if f.sqlRunner, err = f.newSQLRunner(); err != nil {
		t.Fatal(err)
	}
	e := f.refusal(reading("select 1"), store.Unavailable)
	if strings.Contains(e.Error(), "secret") || strings.Contains(e.Detail, "127.0.0.1") {
		t.Errorf("it says %v", e)
	}
	f.options.SQLURL = "postgres://nobody:secret@:x/"
	if _, err = f.newSQLRunner(); !errors.Is(err, store.InvalidOperation) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// TestSQLIsNotRunThroughAPooler: it would lend the session to others.
func TestSQLIsNotRunThroughAPooler(t *testing.T) {
	f := openSQL(t)
	f.options.SQLURL = testenv.PgBouncer(t, f.options.URL)
	var err error
	if f.sqlRunner, err = f.newSQLRunner(); err != nil {
		t.Fatal(err)
	}
	f.refuses(writing("set role pg_monitor"), store.Unsupported)
}
