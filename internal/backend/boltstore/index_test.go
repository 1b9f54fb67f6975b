package boltstore

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
	"larder/internal/value"
)

func numberField(name string) []store.IndexField {
	return []store.IndexField{{Path: value.Pointer{name}, Type: store.NumberField}}
}

func stringField(name string) []store.IndexField {
	return []store.IndexField{{Path: value.Pointer{name}, Type: store.StringField}}
}

// index makes an index of table t.
func (f *fixture) index(def store.Index) {
	f.t.Helper()
	if _, err := f.PutIndex(f.t.Context(), "t", def); err != nil {
		f.t.Fatalf("PutIndex(%s): %v", def.Name, err)
	}
}

// search asks for a query's answer and fails unless an index gave it.
func (f *fixture) search(q store.Query) store.Found {
	f.t.Helper()
	q.Table = "t"
	found, err := f.Search(f.t.Context(), q)
	if err != nil {
		f.t.Fatalf("Search(%+v): %v", q, err)
	}
	return found
}

func is(path, op, operand string) value.Filter {
	return value.Filter{Path: path, Op: op, Value: []byte(operand)}
}

// TestAnIndexBuiltUnderLoad is built while entries are written, changed and
// deleted. That it then is what it has to be, Check finds out at the end.
func TestAnIndexBuiltUnderLoad(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 5000)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := w; ctx.Err() == nil; i += 37 {
				op := putOp("t", i%6000, 100)
				op.Value = value.MustParse(fmt.Sprintf(`{"age":%d}`, i))
				if i%3 == 0 {
					op = remove(op.Ref.Key)
				}
				if _, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
					t.Errorf("writing: %v", err)
					return
				}
			}
		})
	}
	for _, name := range []string{"one", "two", "three"} {
		s.index(store.Index{Name: name, Fields: numberField("age")})
	}
	stop()
	wg.Wait()
	for _, x := range s.defs() {
		if !x.Ready || x.Entries == 0 {
			t.Errorf("%s has %d entries, ready %t", x.Name, x.Entries, x.Ready)
		}
	}
}

func (f *fixture) defs() []store.Index {
	f.t.Helper()
	defs, err := f.Indexes(f.t.Context(), "t")
	if err != nil {
		f.t.Fatal(err)
	}
	return defs
}

// TestBuildingGoesOnAfterACrash leaves an index half built, as a process that
// is killed does.
func TestBuildingGoesOnAfterACrash(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 3*buildEntries)
	var x *index
	err := s.write(t.Context(), 0, func(w *writeTx) (err error) {
		if x, _, _, err = w.putIndex("t", store.Index{Name: "age", Fields: numberField("age")}); err != nil {
			return err
		}
		_, _, err = w.buildChunk(x)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if defs := s.defs(); defs[0].Ready || defs[0].Entries != buildEntries {
		t.Fatalf("got %+v, want it half built", defs)
	}
	if found := s.search(store.Query{Filter: is("/age", value.OpEq, "1")}); found.Plan.Mode != store.ByScan {
		t.Errorf("it was used half built: %+v", found.Plan)
	}
	s.reopen()
	made, err := s.PutIndex(t.Context(), "t", store.Index{Name: "age", Fields: numberField("age")})
	if err != nil || made {
		t.Errorf("PutIndex: made %t, %v; want to have waited for what was there", made, err)
	}
	if defs := s.defs(); !defs[0].Ready || defs[0].Entries != 3*buildEntries {
		t.Errorf("got %+v, want it ready", defs)
	}
}

func TestAUniqueIndexThatTheTableBreaks(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 2*buildEntries)
	s.apply(put("x1", `{"email":"a@b"}`), put("x2", `{"email":"a@b"}`))
	def := store.Index{Name: "email", Fields: stringField("email"), Unique: true}
	_, err := s.PutIndex(t.Context(), "t", def)
	fails(t, "building", err, store.UniqueViolation)
	e := store.AsError(err)
	if named := e.Ref.Key + e.Detail; !strings.Contains(named, "x1") || !strings.Contains(named, "x2") {
		t.Errorf("%v does not name both keys", e)
	}
	if defs := s.defs(); len(defs) > 0 {
		t.Errorf("%+v is left", defs)
	}
	s.apply(remove("x1"))
	s.index(def)
	op := put("x3", `{"email":"a@b"}`)
	_, err = s.Apply(t.Context(), store.Batch{Ops: []store.Op{op}})
	fails(t, "a third one", err, store.UniqueViolation)
}

// TestUniqueWithinOneCommit has two writes that take the same value wait for
// the same commit: one of them gets it.
func TestUniqueWithinOneCommit(t *testing.T) {
	s := open(t)
	s.index(store.Index{Name: "email", Fields: stringField("email"), Unique: true})
	release := s.occupy()
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = s.Apply(t.Context(), store.Batch{Ops: []store.Op{put(fmt.Sprint("k", i), `{"email":"a@b"}`)}})
		})
	}
	s.waitFor(len(errs))
	release()
	wg.Wait()
	got := 0
	for _, err := range errs {
		if err == nil {
			got++
			continue
		}
		fails(t, "too late", err, store.UniqueViolation)
	}
	if got != 1 {
		t.Errorf("%d got the value, want one", got)
	}
}

func TestWaitingForAnIndexEndsWithItsCaller(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 1000)
	def := store.Index{Name: "age", Fields: numberField("age")}
	ctx, cancel := context.WithCancel(t.Context())
	var x *index
	err := s.write(ctx, 0, func(w *writeTx) (err error) {
		x, _, _, err = w.putIndex("t", def)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	release := s.occupy()
	b := s.build(x)
	cancel()
	fails(t, "waiting", s.awaitBuild(ctx, b), store.Canceled)
	release()
	s.index(def)
	if defs := s.defs(); len(defs) != 1 || !defs[0].Ready {
		t.Errorf("got %+v, want it ready", defs)
	}
}

func TestAnIndexDroppedWhileItIsBuilt(t *testing.T) {
	s := open(t)
	fill(t, s.Store, "t", 1000)
	var x *index
	err := s.write(t.Context(), 0, func(w *writeTx) (err error) {
		x, _, _, err = w.putIndex("t", store.Index{Name: "age", Fields: numberField("age")})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DropIndex(t.Context(), "t", "age"); err != nil {
		t.Fatal(err)
	}
	fails(t, "building", s.awaitBuild(t.Context(), s.build(x)), store.NotFound)
	f := s.acquire()
	defer f.release()
	err = f.db.View(func(tx *bolt.Tx) error {
		if tx.Bucket(indexBucketName(x.id)) != nil {
			t.Error("its bucket is left")
		}
		if k, _ := tx.Bucket(indexesBucket).Cursor().First(); k != nil {
			t.Errorf("its record %x is left", k)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestInstallBreaksAUniqueIndex(t *testing.T) {
	s := open(t)
	s.index(store.Index{Name: "email", Fields: stringField("email"), Unique: true})
	s.apply(put("a", `{"email":"x"}`))
	now := s.clock.Now()
	b := store.Entry{Ref: ref("b"), Version: 1, CreatedAt: now, UpdatedAt: now, Value: value.MustParse(`{"email":"x"}`)}
	if err := s.Install(t.Context(), []store.Entry{b}); err != nil {
		t.Fatal(err)
	}
	if got := s.get("b"); !got.Equal(b) {
		t.Errorf("got %+v, want %+v", got, b)
	}
	if found := s.search(store.Query{Filter: is("/email", value.OpEq, `"x"`)}); len(found.Entries) != 2 || found.Plan.Index != "email" {
		t.Errorf("got %d entries by %+v, want both by the index", len(found.Entries), found.Plan)
	}
	_, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("b", `{"email":"x"}`)}})
	fails(t, "writing what stays equal", err, store.UniqueViolation)
	s.apply(put("b", `{"email":"y"}`))
}

// TestLongFields has values that no key of the file could hold whole.
func TestLongFields(t *testing.T) {
	s := open(t)
	s.index(store.Index{Name: "text", Fields: stringField("text"), Unique: true})
	long := strings.Repeat("x", 100_000)
	text := func(s string) string { return fmt.Sprintf(`{"text":%q}`, s) }
	s.apply(put("a", text(long+"a")), put("b", text(long+"b")), put("c", text("short")))
	_, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("d", text(long+"a"))}})
	fails(t, "a long text again", err, store.UniqueViolation)
	for _, test := range []struct {
		op, operand string
		want        int
	}{
		{value.OpEq, long + "a", 1},
		{value.OpEq, long + "c", 0},
		{value.OpGt, long + "a", 1},
		{value.OpGte, long + "a", 2},
		{value.OpLt, long + "b", 2},
		{value.OpLte, long + "b", 3},
		{value.OpPrefix, long, 2},
		{value.OpPrefix, long + "b", 1},
		{value.OpPrefix, long[:10], 2},
	} {
		q := store.Query{Filter: is("/text", test.op, fmt.Sprintf("%q", test.operand)), Sort: []store.Sort{{Path: "/text", Descending: true}}}
		found := s.search(q)
		if len(found.Entries) != test.want || found.Plan.Mode != store.ByIndex {
			t.Errorf("%s …%s: %d entries by %s, want %d by index", test.op, test.operand[len(test.operand)-1:], len(found.Entries), found.Plan.Mode, test.want)
		}
		counted, err := s.Count(t.Context(), store.Query{Table: "t", Filter: q.Filter})
		if err != nil || counted.Count != int64(test.want) {
			t.Errorf("%s …%s: counted %d, %v; want %d", test.op, test.operand[len(test.operand)-1:], counted.Count, err, test.want)
		}
		for i := 1; i < len(found.Entries); i++ {
			if value.Compare(found.Entries[i-1].Value.Data, found.Entries[i].Value.Data) < 0 {
				t.Errorf("%s: not sorted", test.op)
			}
		}
	}
}

// TestAFieldThatBeginsACutOne has the form of a short text begin that of a long
// one, which stands there cut. They differ all the same.
func TestAFieldThatBeginsACutOne(t *testing.T) {
	s := open(t)
	s.index(store.Index{Name: "text", Fields: stringField("text"), Unique: true})
	text := func(s string) string { return fmt.Sprintf(`{"text":%q}`, s) }
	short := strings.Repeat("x", 991) // its form ends behind what stays of a cut one
	x := sortedindex.Index{Def: store.Index{Fields: stringField("text")}}
	fields := x.Place(value.MustParse(text(short))).Fields
	long := short
	for !bytes.HasPrefix(x.Place(value.MustParse(text(long))).Fields, fields) || len(long) < 1100 {
		if long += "y"; len(long) > 10_000 {
			t.Fatal("no long text has such a hash")
		}
	}
	s.apply(put("a", text(long)))
	s.apply(put("b", text(short)))
	for _, again := range []string{long, short} {
		_, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("c", text(again))}})
		fails(t, "the same again", err, store.UniqueViolation)
	}
}
