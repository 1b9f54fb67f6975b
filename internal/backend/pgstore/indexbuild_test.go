package pgstore

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
	"larder/internal/value"
)

// reopen closes the store, where that has not been done, and opens it again.
func (f *fixture) reopen() {
	f.t.Helper()
	if err := f.Close(); err != nil {
		f.t.Fatalf("Close: %v", err)
	}
	again, err := Open(f.t.Context(), f.options)
	if err != nil {
		f.t.Fatalf("opening again: %v", err)
	}
	f.t.Cleanup(func() {
		if err := again.Close(); err != nil {
			f.t.Errorf("Close: %v", err)
		}
	})
	f.Store = again
}

func (f *fixture) defs() []store.Index {
	f.t.Helper()
	defs, err := f.Indexes(f.t.Context(), "t")
	if err != nil {
		f.t.Fatal(err)
	}
	return defs
}

// relations are larder's expression indexes in the database, and whether each
// can be used.
func (f *fixture) relations() map[string]bool {
	f.t.Helper()
	found := make(map[string]bool)
	err := f.query(f.t.Context(), "select r.relname::text, x.indisvalid from pg_class r join pg_index x on x.indexrelid = r.oid where starts_with(r.relname::text, $1)", []any{relationPrefix}, func(rows pgx.Rows) error {
		var name string
		var valid bool
		err := rows.Scan(&name, &valid)
		found[name] = valid
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return found
}

// execute runs a statement on a connection of the test's own.
func (f *fixture) execute(sql string, args ...any) error {
	f.t.Helper()
	_, err := f.session().Exec(f.t.Context(), sql, args...)
	return err
}

// holdSnapshot keeps a transaction open that CREATE INDEX CONCURRENTLY waits
// for.
func (f *fixture) holdSnapshot() (release func()) {
	f.t.Helper()
	tx, err := f.session().BeginTx(f.t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := tx.Exec(f.t.Context(), "select count(*) from "+f.sql.entries); err != nil {
		f.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(context.WithoutCancel(f.t.Context())); err != nil {
			f.t.Error(err)
		}
	}
}

// awaitBuilding waits until PostgreSQL builds an index.
func (f *fixture) awaitBuilding() {
	f.t.Helper()
	poll(f.t, "an index being built", func() bool {
		found := false
		err := f.query(f.t.Context(), "select from pg_stat_progress_create_index", nil, func(pgx.Rows) error { found = true; return nil })
		return err == nil && found
	})
}

// TestAnIndexLeftHalfBuilt is what a crash while an index is built leaves: a
// definition that is not ready, and an index that is not valid.
func TestAnIndexLeftHalfBuilt(t *testing.T) {
	s := open(t)
	s.apply(put("a", `{"email":"x"}`), put("b", `{"email":"x"}`))
	x := newIndex("t", store.Index{Name: "email", Fields: []store.IndexField{stringField("email")}, Unique: true}, relationPrefix+"dead")
	text, err := x.encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.execute("insert into "+s.sql.indexes+" values ($1, $2, $3, $4, false)", "t", "email", text, x.relation); err != nil {
		t.Fatal(err)
	}
	if err := s.execute(x.createSQL(s.sql.entries)); !isUniqueViolation(err) {
		t.Fatalf("building over what breaks it: %v", err)
	}
	if valid, found := s.relations()[x.relation]; !found || valid {
		t.Fatalf("the indexes are %v, want an invalid one", s.relations())
	}
	if found := s.search(store.Query{Filter: is("/email", value.OpEq, `"x"`)}); len(found.Entries) != 2 || found.Plan.Mode == store.ByIndex {
		t.Errorf("before it is repaired: %d entries by %+v", len(found.Entries), found.Plan)
	}
	s.apply(remove("b"))
	s.reopen()
	poll(t, "the index to be repaired", func() bool { return s.defs()[0].Ready })
	if valid := s.relations()[x.relation]; !valid {
		t.Errorf("the indexes are %v", s.relations())
	}
	_, err = s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("b", `{"email":"x"}`)}})
	fails(t, "a second one", err, store.UniqueViolation)
}

// TestAnIndexThatWasLost has been dropped, or made invalid, behind larder's back.
func TestAnIndexThatWasLost(t *testing.T) {
	s := open(t)
	s.people(100)
	s.index("age", numberField("age"))
	for relation := range s.relations() {
		if err := s.execute("drop index " + relation); err != nil {
			t.Fatal(err)
		}
	}
	if s.defs()[0].Ready {
		t.Error("it is said to be ready")
	}
	made, err := s.PutIndex(t.Context(), "t", store.Index{Name: "age", Fields: []store.IndexField{numberField("age")}})
	if err != nil || made {
		t.Errorf("made %t, %v; want the one there is built again", made, err)
	}
	if !s.defs()[0].Ready || len(s.relations()) != 1 {
		t.Errorf("got %+v, and %v", s.defs(), s.relations())
	}
}

// TestGatewaysThatIndexTogether has several build at once on one database, the
// same indexes and others.
func TestGatewaysThatIndexTogether(t *testing.T) {
	s := open(t)
	s.people(500)
	var wg sync.WaitGroup
	for i := range 3 {
		other, err := Open(t.Context(), s.options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := other.Close(); err != nil {
				t.Error(err)
			}
		})
		for _, def := range []store.Index{
			{Name: "age", Fields: []store.IndexField{numberField("age")}},
			{Name: "email", Fields: []store.IndexField{stringField("email")}, Unique: true},
			{Name: fmt.Sprintf("own-%d", i), Fields: []store.IndexField{numberField("id")}},
		} {
			wg.Go(func() {
				if _, err := other.PutIndex(t.Context(), "t", def); err != nil {
					t.Errorf("PutIndex(%s): %v", def.Name, err)
				}
			})
		}
	}
	wg.Wait()
	if defs := s.defs(); len(defs) != 5 {
		t.Errorf("got %+v", defs)
	}
	for _, x := range s.defs() {
		if !x.Ready || x.Entries != 500 {
			t.Errorf("%s has %d entries, ready %t", x.Name, x.Entries, x.Ready)
		}
	}
	if len(s.relations()) != 5 {
		t.Errorf("the indexes are %v", s.relations())
	}
}

func TestWaitingForAnIndexEndsWithItsCaller(t *testing.T) {
	s := open(t)
	s.people(100)
	release := s.holdSnapshot()
	def := store.Index{Name: "age", Fields: []store.IndexField{numberField("age")}}
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error, 1)
	go func() {
		_, err := s.PutIndex(ctx, "t", def)
		waited <- err
	}()
	s.awaitBuilding()
	s.apply(put("new", `{"age":7}`)) // others write meanwhile
	cancel()
	fails(t, "waiting", <-waited, store.Canceled)
	release()
	if made, err := s.PutIndex(t.Context(), "t", def); made || err != nil {
		t.Errorf("made %t, %v; want to have waited for what was under way", made, err)
	}
	if defs := s.defs(); len(defs) != 1 || !defs[0].Ready || defs[0].Entries != 101 {
		t.Errorf("got %+v", defs)
	}
}

func TestAnIndexDroppedWhileItIsBuilt(t *testing.T) {
	s := open(t)
	s.people(100)
	release := s.holdSnapshot()
	waited := make(chan error, 1)
	go func() {
		_, err := s.PutIndex(t.Context(), "t", store.Index{Name: "age", Fields: []store.IndexField{numberField("age")}})
		waited <- err
	}()
	s.awaitBuilding()
	dropped := make(chan error, 1)
	go func() { dropped <- s.DropIndex(t.Context(), "t", "age") }()
	fails(t, "building", <-waited, store.NotFound)
	release()
	if err := <-dropped; err != nil {
		t.Error(err)
	}
	if len(s.defs()) > 0 || len(s.relations()) > 0 {
		t.Errorf("left are %+v and %v", s.defs(), s.relations())
	}
}

// TestClosingEndsBuilding leaves what the next one to open finishes.
func TestClosingEndsBuilding(t *testing.T) {
	s := open(t)
	s.people(100)
	release := s.holdSnapshot()
	waited := make(chan error, 1)
	go func() {
		_, err := s.PutIndex(t.Context(), "t", store.Index{Name: "age", Fields: []store.IndexField{numberField("age")}})
		waited <- err
	}()
	s.awaitBuilding()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	fails(t, "building", <-waited, store.Unavailable)
	release()
	s.reopen()
	poll(t, "the index", func() bool { return s.defs()[0].Ready })
	if valid := s.relations(); len(valid) != 1 {
		t.Errorf("the indexes are %v", valid)
	}
}
