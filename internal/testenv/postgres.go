package testenv

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/migrations"
)

// PostgresURLVariable names the environment variable with the URL of a
// PostgreSQL server to test on, whose role may create databases. Without it
// each test process starts a server of its own.
const PostgresURLVariable = "LARDER_TEST_POSTGRES_URL"

// Postgres gives the URL of a database of the test's own, which larder's
// schema is made in (in "public"), and which goes with the test.
func Postgres(t testing.TB) string {
	t.Helper()
	server := sharedPostgres(t)
	return server.database(t, "template "+server.migrated(t), newIdentity)
}

// EmptyPostgres gives the URL of a database of the test's own with nothing in
// it. options are for CREATE DATABASE; template0 unless they name another.
func EmptyPostgres(t testing.TB, options string) string {
	t.Helper()
	if !strings.Contains(options, "template") {
		options += " template template0"
	}
	return sharedPostgres(t).database(t, options, "")
}

// newIdentity tells a copy of the template from the others.
const newIdentity = "update public.storage_meta set id = left(replace(gen_random_uuid()::text, '-', ''), 12)"

// postgresAdmin is a server as its superuser sees it.
type postgresAdmin struct {
	url  string // of a database to manage others from
	made atomic.Int64

	template sync.Once
	name     string
	failed   error
}

var startShared = sync.OnceValues(func() (*postgresAdmin, error) {
	if given := os.Getenv(PostgresURLVariable); given != "" {
		return &postgresAdmin{url: given}, nil
	}
	s, err := newPostgres(PostgresOptions{})
	if err != nil {
		return nil, err
	}
	return &postgresAdmin{url: s.URL("postgres")}, s.start()
})

func sharedPostgres(t testing.TB) *postgresAdmin {
	t.Helper()
	server, err := startShared()
	if err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	return server
}

// postgresTimeout bounds what is done to make and drop a database.
const postgresTimeout = time.Minute

// database makes a database and drops it at the test's end.
func (a *postgresAdmin) database(t testing.TB, options, then string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), postgresTimeout)
	defer cancel()
	name := fmt.Sprintf("larder_test_%d_%d_%d", os.Getpid(), time.Now().UnixNano(), a.made.Add(1))
	if err := execute(ctx, a.url, "create database "+name+" "+options); err != nil {
		t.Fatalf("a database to test in: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postgresTimeout)
		defer cancel()
		if err := execute(ctx, a.url, "drop database if exists "+name+" with (force)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	address := a.at(t, name)
	if then != "" {
		if err := execute(ctx, address, then); err != nil {
			t.Fatalf("a database to test in: %v", err)
		}
	}
	return address
}

// at is the URL of another database of the server.
func (a *postgresAdmin) at(t testing.TB, database string) string {
	t.Helper()
	address, err := url.Parse(a.url)
	if err != nil {
		t.Fatalf("%s is no URL", PostgresURLVariable)
	}
	address.Path = "/" + database
	return address.String()
}

// migrated gives the name of a database to copy. It is kept for other test
// processes, under a name that tells the migrations it was made by.
func (a *postgresAdmin) migrated(t testing.TB) string {
	t.Helper()
	a.template.Do(func() {
		ctx, cancel := context.WithTimeout(t.Context(), postgresTimeout)
		defer cancel()
		sum := sha256.Sum256(migrations.Source())
		a.name = fmt.Sprintf("larder_template_%x", sum[:6])
		a.failed = a.makeTemplate(ctx, a.name, a.at(t, a.name+"_new"))
	})
	if a.failed != nil {
		t.Fatalf("the database that tests copy: %v", a.failed)
	}
	return a.name
}

// makeTemplate makes it unless it is there, while other processes wait. Under
// its name there is none that is half done.
func (a *postgresAdmin) makeTemplate(ctx context.Context, name, scratch string) error {
	return connected(ctx, a.url, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "select pg_advisory_lock(hashtext($1))", name); err != nil {
			return err
		}
		var there bool
		if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&there); err != nil || there {
			return err
		}
		for _, sql := range []string{"drop database if exists " + name + "_new with (force)", "create database " + name + "_new template template0"} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		err := connected(ctx, scratch, func(fresh *pgx.Conn) error { return migrations.Up(ctx, fresh, "public", nil) })
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "alter database "+name+"_new rename to "+name)
		return err
	})
}

func execute(ctx context.Context, address, sql string) error {
	return connected(ctx, address, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql)
		return err
	})
}

func connected(ctx context.Context, address string, f func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return f(conn)
}
