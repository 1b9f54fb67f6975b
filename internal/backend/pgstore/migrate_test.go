package pgstore

import (
	"context"
	"fmt"
	neturl "net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/migrations"
)

// administer runs SQL in a database.
func administer(t testing.TB, url, sql string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if err := conn.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// refused opens a store, which has to fail and say something.
func refused(t *testing.T, o Options, code store.Code, detail string) {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err == nil {
		t.Fatalf("it opens: %v", s.Close())
	}
	if e := store.AsError(err); e.Code != code || !strings.Contains(e.Detail, detail) {
		t.Errorf("got %s: %s; want %s: …%s…", e.Code, e.Detail, code, detail)
	}
}

func TestStoresThatStartTogetherMigrateOnce(t *testing.T) {
	url := testenv.EmptyPostgres(t, "")
	var starting sync.WaitGroup
	for i := range 8 {
		starting.Go(func() {
			s, err := Open(t.Context(), Options{URL: url, Schema: "larder", MinConnections: 1, MaxConnections: 2})
			if err != nil {
				t.Errorf("store %d does not open: %v", i, err)
				return
			}
			defer s.Close()
			if _, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put(strconv.Itoa(i), `1`)}}); err != nil {
				t.Errorf("store %d does not write: %v", i, err)
			}
		})
	}
	starting.Wait()
}

func TestOpenSaysWhatIsWrongWithTheSchema(t *testing.T) {
	t.Run("made by a newer larder", func(t *testing.T) {
		url := testenv.Postgres(t)
		administer(t, url, "update storage_schema_version set version = version + 1")
		refused(t, Options{URL: url}, store.Unavailable, fmt.Sprintf("is at version %d and this larder knows versions up to %d: run a larder", migrations.Latest()+1, migrations.Latest()))
	})
	t.Run("no rights to make it", func(t *testing.T) {
		url, role := testenv.EmptyPostgres(t, ""), fmt.Sprintf("larder_test_poor_%d", os.Getpid())
		administer(t, url, "create role "+role+" login password 'secret'")
		t.Cleanup(func() { administer(t, url, "drop role "+role) })
		as, err := neturl.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		as.User = neturl.UserPassword(role, "secret")
		refused(t, Options{URL: as.String(), Schema: "theirs"}, store.Unavailable, `the URL's user may not make what is missing in schema "theirs"`)
	})
	t.Run("an encoding that is not Unicode", func(t *testing.T) {
		refused(t, Options{URL: testenv.EmptyPostgres(t, "encoding 'LATIN1' locale 'C'")}, store.Unavailable, "the database's encoding is LATIN1")
	})
	t.Run("something in the way", func(t *testing.T) {
		url := testenv.EmptyPostgres(t, "")
		administer(t, url, "create table public.storage_entries ()")
		refused(t, Options{URL: url}, store.Internal, `relation "storage_entries" already exists`)
	})
}

func TestSchemaByHand(t *testing.T) {
	url := testenv.EmptyPostgres(t, "")
	x, err := OpenSchema(t.Context(), Options{URL: url, Schema: "theirs"})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close(t.Context())
	at := func(version int) {
		t.Helper()
		if s, err := x.Status(t.Context()); err != nil || s.Version != version {
			t.Errorf("the schema is at %d, %v; want %d", s.Version, err, version)
		}
	}
	at(0)
	if err := x.Up(t.Context(), nil); err != nil {
		t.Errorf("Up: %v", err)
	}
	at(migrations.Latest())
	if err := x.Down(t.Context(), 1, nil); err != nil {
		t.Errorf("Down: %v", err)
	}
	at(1)
	for _, target := range []int{-1, migrations.Latest() + 1} {
		fails(t, fmt.Sprintf("down to %d", target), x.Down(t.Context(), target, nil), store.InvalidOperation)
	}
	administer(t, url, "update theirs.storage_schema_version set version = 99")
	at(99)
	fails(t, "up from 99", x.Up(t.Context(), nil), store.Unavailable)
	_, err = OpenSchema(t.Context(), Options{URL: "postgres://127.0.0.1:1/none?sslmode=disable"})
	fails(t, "no server", err, store.Unavailable)
	_, err = OpenSchema(t.Context(), Options{URL: "postgres://u:s3cret@host:port/x"})
	fails(t, "no URL", err, store.InvalidOperation)
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a secret is in the error: %v", err)
	}
}
