package testenv_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"larder/internal/testenv"
)

// commits are the ways in which a client commits a row.
var commits = []struct {
	name     string
	implicit bool
	do       func(ctx context.Context, c *pgx.Conn) error
}{
	{"simple query", false, func(ctx context.Context, c *pgx.Conn) error {
		return exec(ctx, c, "begin", "insert into t values (1)", "commit")
	}},
	{"one simple query for all", false, func(ctx context.Context, c *pgx.Conn) error {
		return exec(ctx, c, "begin; insert into t values (1); commit")
	}},
	{"prepared statements", false, func(ctx context.Context, c *pgx.Conn) error {
		for _, text := range []string{"begin", "insert into t values (1)", "commit"} {
			if _, err := c.Prepare(ctx, text, text); err != nil {
				return err
			}
			if _, err := c.Exec(ctx, text); err != nil {
				return err
			}
		}
		return nil
	}},
	{"a pipeline with one Sync", false, func(ctx context.Context, c *pgx.Conn) error {
		b := &pgx.Batch{}
		b.Queue("begin")
		b.Queue("insert into t values (1)")
		b.Queue("commit")
		return c.SendBatch(ctx, b).Close()
	}},
	{"a statement by itself", true, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "insert into t values ($1)", 1)
		return err
	}},
	{"a simple query by itself", true, func(ctx context.Context, c *pgx.Conn) error {
		return exec(ctx, c, "insert into t values (1)")
	}},
}

// exec sends texts as simple queries.
func exec(ctx context.Context, c *pgx.Conn, texts ...string) error {
	for _, text := range texts {
		if _, err := c.PgConn().Exec(ctx, text).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

func dial(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) }) // cut, as likely as not
	return c
}

// rows counts the rows of t once nobody else is connected.
func rows(t *testing.T, c *pgx.Conn) int {
	t.Helper()
	const others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
	for deadline := time.Now().Add(time.Minute); ask[int](t, c, others) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the other session does not end")
		}
	}
	return ask[int](t, c, "select count(*) from t")
}

func TestPostgresProxyCutsCommits(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t)
	direct := dial(t, url)
	if err := exec(t.Context(), direct, "create table t (n integer)"); err != nil {
		t.Fatal(err)
	}
	for _, cut := range []struct {
		name string
		testenv.Cut
		committed int
	}{
		{"not at all", testenv.NoCut, 1},
		{"before", testenv.CutBeforeCommit, 0},
		{"during", testenv.CutDuringCommit, 1},
		{"after", testenv.CutAfterCommit, 1},
	} {
		for _, way := range commits {
			t.Run(cut.name+"/"+way.name, func(t *testing.T) {
				if err := exec(t.Context(), direct, "truncate t"); err != nil {
					t.Fatal(err)
				}
				proxy := testenv.ProxyPostgres(t, url)
				var mu sync.Mutex
				var seen []testenv.Commit
				proxy.OnCommit(func(c testenv.Commit) testenv.Cut {
					mu.Lock()
					defer mu.Unlock()
					seen = append(seen, c)
					// A client whose connection breaks asks on another one for
					// the statement to be cancelled, which may be the commit.
					proxy.Refuse()
					return cut.Cut
				})
				c := dial(t, proxy.URL)
				err := way.do(t.Context(), c)
				_ = c.Close(t.Context()) // broken, as likely as not
				if (err != nil) != (cut.Cut != testenv.NoCut) || errorCode(err) != "" {
					t.Errorf("the client gets %v", err)
				}
				if n := rows(t, direct); n != cut.committed {
					t.Errorf("%d rows are there, want %d", n, cut.committed)
				}
				mu.Lock()
				defer mu.Unlock()
				if len(seen) != 1 || seen[0].Implicit != way.implicit || !strings.Contains(strings.Join(seen[0].Statements, "\n"), "insert") {
					t.Errorf("the proxy saw %+v", seen)
				}
				if counts := proxy.Counts(); counts.Commits != 1 || (counts.Cuts == 1) != (err != nil) {
					t.Errorf("the proxy counts %+v", counts)
				}
			})
		}
	}
}

func TestPostgresProxyPassesOverWhatDoesNotCommit(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t)
	proxy := testenv.ProxyPostgres(t, url)
	proxy.OnCommit(func(testenv.Commit) testenv.Cut { return testenv.CutAfterCommit })
	c := dial(t, proxy.URL)
	for _, texts := range [][]string{
		{"select 1"},
		{"begin", "create table t (n integer)", "rollback"},
		{"begin", "savepoint a", "rollback to a", "rollback"},
		{"commit"}, // of nothing
	} {
		if err := exec(t.Context(), c, texts...); err != nil {
			t.Errorf("%v: %v", texts, err)
		}
	}
	// Those are commits, but the server refuses them.
	if err := exec(t.Context(), c, "begin"); err != nil {
		t.Fatal(err)
	}
	if err := exec(t.Context(), c, "select 1/0"); err == nil {
		t.Error("1/0 is something")
	}
	if err := exec(t.Context(), c, "commit"); err != nil {
		t.Errorf("commit of a failed transaction: %v", err)
	}
	if _, err := c.Exec(t.Context(), "insert into absent values ($1)", 1); errorCode(err) != "42P01" {
		t.Errorf("insert into a table that is not there: %v", err)
	}
	if err := exec(t.Context(), c, "insert into absent values (1)"); errorCode(err) != "42P01" {
		t.Errorf("insert into a table that is not there: %v", err)
	}
	if counts := proxy.Counts(); counts.Cuts != 0 {
		t.Errorf("the proxy counts %+v", counts)
	}
	// The next is one that succeeds.
	if err := exec(t.Context(), c, "create table t (n integer)"); err == nil || !c.IsClosed() {
		t.Errorf("a commit goes through: %v", err)
	}
}

func TestPostgresProxyAbandons(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t)
	direct := dial(t, url)
	if err := exec(t.Context(), direct, "create table t (n integer)"); err != nil {
		t.Fatal(err)
	}
	proxy := testenv.ProxyPostgres(t, url)
	proxy.OnCommit(func(testenv.Commit) testenv.Cut { return testenv.AbandonBeforeCommit })
	c := dial(t, proxy.URL)
	if err := exec(t.Context(), c, "begin", "lock table t", "insert into t values (1)", "commit"); err == nil || !c.IsClosed() {
		t.Errorf("a commit goes through: %v", err)
	}
	if err := exec(t.Context(), direct, "begin", "lock table t nowait"); errorCode(err) != "55P03" {
		t.Errorf("the lock is gone: %v", err)
	}
}

func TestPostgresProxyBreaksAnswers(t *testing.T) {
	t.Parallel()
	proxy := testenv.ProxyPostgres(t, testenv.Postgres(t))
	c := dial(t, proxy.URL)
	proxy.CutAfterBytes(100_000)
	_, err := c.PgConn().Exec(t.Context(), "select repeat('x', 1000) from generate_series(1, 1000)").ReadAll()
	if err == nil || !c.IsClosed() {
		t.Errorf("the answer is whole: %v", err)
	}
	<-c.PgConn().CleanupDone() // it asks for a cancellation, on a connection of its own
	c = dial(t, proxy.URL)
	if err := exec(t.Context(), c, "select repeat('x', 1000) from generate_series(1, 1000)"); err != nil {
		t.Errorf("the second answer: %v", err)
	}
	proxy.CutAll()
	if err := exec(t.Context(), c, "select 1"); err == nil {
		t.Error("the connection is still there")
	}
	if counts := proxy.Counts(); counts.Cuts != 2 || counts.Connections < 2 {
		t.Errorf("the proxy counts %+v", counts)
	}
}

func TestPostgresProxyStallsAndRefuses(t *testing.T) {
	t.Parallel()
	proxy := testenv.ProxyPostgres(t, testenv.Postgres(t))
	c := dial(t, proxy.URL)
	proxy.Stall()
	answered := make(chan error, 1)
	go func() { answered <- exec(context.WithoutCancel(t.Context()), c, "select 1") }()
	proxy.Refuse()
	if letIn(t.Context(), net.JoinHostPort(c.Config().Host, strconv.Itoa(int(c.Config().Port)))) {
		t.Error("a connection is let in")
	}
	select {
	case err := <-answered:
		t.Errorf("an answer while stalled: %v", err)
	default:
	}
	proxy.Resume()
	if err := <-answered; err != nil {
		t.Errorf("the answer that was held back: %v", err)
	}
	dial(t, proxy.URL)
	if counts := proxy.Counts(); counts.Refused == 0 || counts.Open != 2 || counts.Cuts != 0 {
		t.Errorf("the proxy counts %+v", counts)
	}
}

// letIn says whether a new connection stays open. It is a bare one: pgx would
// ask for a cancellation on another, later.
func letIn(ctx context.Context, address string) bool {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil { // broken already
		return false
	}
	defer func() { _ = c.Close() }() // broken
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return false
	}
	n, err := c.Read(make([]byte, 1))
	return n > 0 || errors.Is(err, os.ErrDeadlineExceeded)
}

// errorCode is the SQLSTATE of an error; "" where the server sent none.
func errorCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
