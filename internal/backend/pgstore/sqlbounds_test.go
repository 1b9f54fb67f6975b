package pgstore

import (
	"context"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
)

func TestSQLEndsWithTheRequest(t *testing.T) {
	f := openSQL(t)
	for what, text := range map[string]string{
		"one that takes long":      "select pg_sleep(600)",
		"one that lifts the bound": "do $$ begin perform set_config('statement_timeout', '0', false); perform pg_sleep(600); end $$",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := f.RunSQL(ctx, writing(text))
		fails(t, what, err, store.Timeout)
		cancel()
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	running := make(chan error, 1)
	go func() {
		_, err := f.RunSQL(ctx, reading("select pg_sleep(600), 'left'"))
		running <- err
	}()
	f.awaitSessions("left", 1)
	cancel()
	fails(t, "one whose caller leaves", <-running, store.Canceled)
	f.awaitSessions("pg_sleep", 0)
}

// awaitSessions waits until so many sessions run a statement with the text in it.
func (f *fixture) awaitSessions(text string, want int) {
	f.t.Helper()
	conn := f.session()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		var n int
		err := conn.QueryRow(f.t.Context(), `select count(*) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and strpos(query, $1) > 0`, text).Scan(&n)
		if err != nil {
			f.t.Fatal(err)
		}
		if n == want {
			return
		}
	}
}

func TestSQLRunsSoManyAtOnce(t *testing.T) {
	f := openSQL(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	for range maxSQLAtOnce {
		running.Go(func() {
			_, err := f.RunSQL(ctx, reading("select pg_sleep(600)"))
			fails(t, "one whose caller leaves", err, store.Canceled)
		})
	}
	f.awaitSessions("pg_sleep", maxSQLAtOnce)
	f.refuses(reading("select 1"), store.Unavailable)
	cancel()
	running.Wait()
	f.run(reading("select 1"))
}

func TestSQLAnswersAreBounded(t *testing.T) {
	f := openSQL(t)
	f.run(writing("create table many (n int)"))
	for command, q := range map[string]store.SQLQuery{
		"SELECT": reading("select n from generate_series(1, 1000000) n"),
		"INSERT": writing("insert into many select generate_series(1, 5000) returning n"),
		"WITH":   reading("with recursive r as (select 1 as n union all select n + 1 from r) select n from r"),
	} {
		answer := f.run(q)
		if len(answer.Rows) != store.MaxSQLRows || answer.Count != store.MaxSQLRows || !answer.Truncated || answer.Command != command || string(answer.Rows[999]) != "[1000]" {
			t.Errorf("%s: %d rows, count %d, truncated %v, %s", command, len(answer.Rows), answer.Count, answer.Truncated, answer.Command)
		}
	}
	if got := f.only(reading("select count(*) from many")); got != `[5000]` {
		t.Errorf("a write whose answer is cut short wrote %s", got)
	}
	if answer := f.run(reading("select generate_series(1, 1000)")); len(answer.Rows) != 1000 || answer.Truncated {
		t.Errorf("%d rows, truncated %v", len(answer.Rows), answer.Truncated)
	}

	const rows = "select n, repeat('x', 1 << 20) as text from generate_series(1, 100) n"
	if answer := f.run(reading(rows)); len(answer.Rows) != 7 || !answer.Truncated || answer.Count != 7 {
		t.Errorf("of rows of 1 MiB there are %d, truncated %v", len(answer.Rows), answer.Truncated)
	}
	if answer := f.run(writing("insert into many select n from (" + rows + " limit 20) r returning n, repeat('x', 1 << 20)")); len(answer.Rows) != 7 || !answer.Truncated {
		t.Errorf("of rows of 1 MiB that are written there are %d, truncated %v", len(answer.Rows), answer.Truncated)
	}
	if got := f.only(reading("select count(*) from many")); got != `[5020]` {
		t.Errorf("a write whose answer is cut short wrote %s", got)
	}
	f.refuses(writing("insert into many values (1) returning repeat('x', 100 << 20)"), store.SQLFailed)
	if got := f.only(reading("select count(*) from many")); got != `[5020]` {
		t.Errorf("a write whose answer is too large wrote %s", got)
	}
}

// BenchmarkSQL has a connection made for each statement.
func BenchmarkSQL(b *testing.B) {
	f := openSQL(b)
	for b.Loop() {
		f.run(reading("select 1"))
	}
}
