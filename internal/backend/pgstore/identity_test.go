package pgstore

import (
	neturl "net/url"
	"os/exec"
	"sync"
	"testing"

	"larder/internal/store"
	"larder/internal/testenv"
)

// dump takes a database to another server, as an operator would.
func dump(t *testing.T, from, to string) {
	t.Helper()
	binary, err := testenv.PostgresBinary("pg_dump")
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), binary, "--clean", "--if-exists", from).Output()
	if err != nil {
		t.Fatalf("pg_dump: %v", err)
	}
	psql(t, to, text)
}

// TestDumpElsewhere restores a dump on another server, whose transactions have
// smaller numbers. Two gateways that start there at once take the storage over:
// cursors of before are refused, and the feed shows everything in its old order,
// and what is written from then on.
func TestDumpElsewhere(t *testing.T) {
	f := open(t)
	f.odd()
	for range 100 {
		f.apply(plusOne("busy")) // transactions that the other server has not had
	}
	f.apply(put("last", `1`))
	before := f.changes(store.Changes{})
	another := testenv.StartPostgres(t, testenv.PostgresOptions{})
	url := another.URL("postgres")
	dump(t, f.options.URL, url)

	var gateways [2]*fixture
	var wg sync.WaitGroup
	for i := range gateways {
		wg.Go(func() { gateways[i] = open(t, func(o *Options) { o.URL = url }) })
	}
	wg.Wait()
	for _, g := range gateways {
		_, err := g.Changes(t.Context(), store.Changes{Table: "t", Since: before.Next})
		fails(t, "a cursor of before", err, store.Compacted)
		after := g.changes(store.Changes{})
		if changedKeys(after) != changedKeys(before) {
			t.Errorf("the feed was %s, and is %s", changedKeys(before), changedKeys(after))
		}
	}
	since := gateways[0].changes(store.Changes{}).Next
	gateways[1].apply(put("new", `1`))
	if got := changedKeys(gateways[0].changes(store.Changes{Since: since})); got != "new:1" {
		t.Errorf("then the feed shows %q", got)
	}
	again := open(t, func(o *Options) { o.URL = url })
	if got := changedKeys(again.changes(store.Changes{Since: since})); got != "new:1" {
		t.Errorf("to one that starts later it shows %q", got)
	}
}

// TestRoleMayNotAskForIdentity starts all the same.
func TestRoleMayNotAskForIdentity(t *testing.T) {
	f := open(t)
	f.apply(put("k", `1`))
	administer(t, f.options.URL, `
do $$ begin
	create role modest login;
exception when duplicate_object then null;
end $$;
revoke execute on function pg_control_system() from public;
grant all on all tables in schema public to modest;
alter table storage_entries owner to modest`)
	url := withUser(t, f.options.URL, "modest")
	g := open(t, func(o *Options) { o.URL = url })
	if read, err := g.Get(t.Context(), []store.Ref{ref("k")}); err != nil || !read.Entries[0].Exists() {
		t.Errorf("%+v, %v", read, err)
	}
}

func withUser(t *testing.T, address, user string) string {
	t.Helper()
	u, err := neturl.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = neturl.User(user)
	return u.String()
}
