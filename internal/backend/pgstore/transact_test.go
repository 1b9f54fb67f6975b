package pgstore

import (
	"testing"

	"larder/internal/store"
)

// TestDeadlockIsRepeated has another program lock two rows in the other order.
// The server picks this store's transaction to die, and it is done again.
func TestDeadlockIsRepeated(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.apply(put("a", `1`), put("b", `1`))
	other, err := f.session().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lock := func(key string) {
		t.Helper()
		if _, err := other.Exec(t.Context(), "select from "+f.sql.entries+" where table_name = 't' and key = $1 for update", key); err != nil {
			t.Error(err)
		}
	}
	if _, err := other.Exec(t.Context(), "set local deadlock_timeout = '1h'"); err != nil {
		t.Fatal(err) // the other one never looks whether there is a deadlock
	}
	lock("b")
	done := make(chan error, 1)
	go func() {
		_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{plusOne("a"), plusOne("b")}})
		done <- err
	}()
	f.waitsForLock(1)
	lock("a") // closes the circle, and gets the row once the store's transaction is dead
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the batch: %v", err)
	}
	f.holds("a", `2`)
	f.holds("b", `2`)
	if f.tallies.repeated.Load() == 0 {
		t.Error("no transaction has been repeated")
	}
}

// waitsForLock waits until so many sessions of the database wait for a lock.
func (f *fixture) waitsForLock(sessions int) {
	f.t.Helper()
	conn := f.session()
	poll(f.t, "a session to wait for a lock", func() bool {
		var n int
		err := conn.QueryRow(f.t.Context(), "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").Scan(&n)
		if err != nil {
			f.t.Fatal(err)
		}
		return n >= sessions
	})
}

// TestSerializationFailureIsRepeated has the database fail the first write of
// each batch as one that can't be serialized: it is done again, as a whole.
func TestSerializationFailureIsRepeated(t *testing.T) {
	t.Parallel()
	f := open(t)
	administer(t, f.options.URL, `
create sequence attempts;
create function the_first() returns trigger language plpgsql as $$
begin
	if nextval('attempts') = 1 then
		raise exception using errcode = '40001';
	end if;
	return null;
end $$;
create trigger the_first after insert or update on storage_entries for each row execute function the_first()`)
	for i, ops := range [][]store.Op{
		{put("plain", `1`)},
		{plusOne("counter")},
		{put("x", `1`), put("y", `1`)},
		{plusOne("counter"), put("z", `1`)},
	} {
		administer(t, f.options.URL, "alter sequence attempts restart")
		before := f.tallies.repeated.Load()
		if _, err := f.Apply(t.Context(), store.Batch{Ops: ops}); err != nil {
			t.Errorf("batch %d: %v", i, err)
		}
		if f.tallies.repeated.Load() == before {
			t.Errorf("batch %d was not repeated", i)
		}
	}
	f.holds("counter", `2`)
	f.holds("plain", `1`)
	if v := f.get("plain").Version; v != 1 {
		t.Errorf("a put that was repeated left version %d", v)
	}
}

// TestDatabasesDefaults serves a database whose defaults are not what the store
// needs: its transactions say themselves what they are.
func TestDatabasesDefaults(t *testing.T) {
	t.Parallel()
	f := open(t)
	administer(t, f.options.URL, `do $$ begin
	execute format('alter database %I set default_transaction_isolation = serializable', current_database());
	execute format('alter database %I set default_transaction_read_only = on', current_database());
	execute format('alter database %I set search_path = pg_catalog', current_database());
end $$`)
	g := open(t, func(o *Options) { o.URL = f.options.URL })
	g.apply(put("a", `1`))
	g.apply(put("a", `2`), plusOne("n"))
	g.holds("a", `2`)
	// What is read inside a batch is as committed by then, not as at its start.
	release := g.holdRow("n")
	done := g.write(t.Context(), plusOne("n"))
	g.waitsForLock(1)
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	g.holds("n", `2`)
}
