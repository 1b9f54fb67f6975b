package redisstore

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

func numberField(name string) store.IndexField {
	return store.IndexField{Path: value.Pointer{name}, Type: store.NumberField}
}

func stringField(name string) store.IndexField {
	return store.IndexField{Path: value.Pointer{name}, Type: store.StringField}
}

// index makes an index of table t.
func (f *fixture) index(name string, fields ...store.IndexField) {
	f.t.Helper()
	if _, err := f.PutIndex(f.t.Context(), "t", store.Index{Name: name, Fields: fields}); err != nil {
		f.t.Fatalf("PutIndex(%s): %v", name, err)
	}
}

func (f *fixture) unique(name string, fields ...store.IndexField) {
	f.t.Helper()
	if _, err := f.PutIndex(f.t.Context(), "t", store.Index{Name: name, Fields: fields, Unique: true}); err != nil {
		f.t.Fatalf("PutIndex(%s): %v", name, err)
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

// refuse fails unless a batch is refused with the code.
func (f *fixture) refuse(what string, code store.Code, ops ...store.Op) *store.Error {
	f.t.Helper()
	_, err := f.Apply(f.t.Context(), store.Batch{Ops: ops})
	fails(f.t, what, err, code)
	return store.AsError(err)
}

// TestClearingUpKeepsIndexesInStep has entries expire that are in indexes.
func TestClearingUpKeepsIndexesInStep(t *testing.T) {
	clock := storetest.NewClock()
	s := open(t, func(o *Options) { o.Now = clock.Now })
	s.index("n", numberField("n"))
	s.unique("email", stringField("email"))
	for i := range 20 {
		op := put(strconv.Itoa(i), fmt.Sprintf(`{"n":%d,"email":"%d"}`, i%3, i))
		if i%2 == 0 {
			op.Expiry = store.ExpiresIn(time.Minute)
		}
		s.apply(op)
	}
	clock.Advance(time.Minute)
	for _, def := range s.defs() {
		if def.Entries != 20 {
			t.Errorf("before: %s has %d entries", def.Name, def.Entries)
		}
	}
	s.apply(put("early", `{"email":"4"}`)) // which one has that has expired
	if err := s.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil {
		t.Fatal(err)
	}
	if defs := s.defs(); defs[0].Entries != 11 || defs[1].Entries != 10 {
		t.Errorf("got %+v", defs)
	}
	s.apply(put("late", `{"email":"6"}`))
	s.refuse("one's who lives on", store.UniqueViolation, put("again", `{"email":"7"}`))
	clock.Advance(2 * s.options.Retention.Tombstones)
	if err := s.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil {
		t.Fatal(err)
	}
	sound(t, s.Store)
}

// TestAUniqueIndexAndWhatHasExpired has an entry that has ended, and was not yet
// cleared up, stand in nobody's way.
func TestAUniqueIndexAndWhatHasExpired(t *testing.T) {
	clock := storetest.NewClock()
	s := open(t, func(o *Options) { o.Now = clock.Now })
	mortal := put("mortal", `{"email":"x"}`)
	mortal.Expiry = store.ExpiresIn(time.Minute)
	s.apply(mortal, put("a", `{"email":"y"}`), put("b", `{"email":"x"}`))
	def := store.Index{Name: "email", Fields: []store.IndexField{stringField("email")}, Unique: true}
	_, err := s.PutIndex(t.Context(), "t", def)
	fails(t, "building", err, store.UniqueViolation)
	if e := store.AsError(err); !strings.Contains(e.Detail+e.Ref.Key, "mortal") || !strings.Contains(e.Detail+e.Ref.Key, "b") || e.Pointer != "/email" {
		t.Errorf("%+v does not name both", e)
	}
	clock.Advance(time.Minute)
	s.unique("email", stringField("email"))
	s.refuse("a living one's", store.UniqueViolation, put("c", `{"email":"x"}`))
	sound(t, s.Store)
}

// TestOneOfManyStoresGetsAUniqueValue has two stores write the same values at once.
func TestOneOfManyStoresGetsAUniqueValue(t *testing.T) {
	s := open(t)
	s.unique("email", stringField("email"))
	stores := []*fixture{s, s.beside()}
	for round := range 20 {
		var won [6]bool
		var clients sync.WaitGroup
		for c := range won {
			clients.Go(func() {
				_, err := stores[c%2].Apply(t.Context(), store.Batch{Ops: []store.Op{put(fmt.Sprintf("%d-%d", round, c), fmt.Sprintf(`{"email":"%d"}`, round))}})
				if won[c] = err == nil; !won[c] {
					fails(t, "writing", err, store.UniqueViolation)
				}
			})
		}
		clients.Wait()
		if found := s.search(store.Query{Filter: is("/email", value.OpEq, fmt.Sprintf(`"%d"`, round))}); len(found.Entries) != 1 {
			t.Errorf("round %d: %q, and won by %v", round, keysOf(found.Entries), won)
		}
	}
}

// TestInstalledEntriesMayBreakAUniqueIndex has both stand, as another store has them.
func TestInstalledEntriesMayBreakAUniqueIndex(t *testing.T) {
	var log bytes.Buffer
	logger := zerolog.New(&log)
	s := open(t, func(o *Options) { o.Logger = &logger })
	s.unique("email", stringField("email"))
	s.apply(put("a", `{"email":"x"}`))
	now := time.Now().UTC().Truncate(time.Microsecond)
	install := func(key string, version int64) {
		t.Helper()
		err := s.Install(t.Context(), []store.Entry{{Ref: ref(key), Value: value.MustParse(`{"email":"x"}`), Version: version, CreatedAt: now, UpdatedAt: now}})
		if err != nil {
			t.Fatal(err)
		}
	}
	install("b", 3)
	for _, word := range []string{"unique", `"index":"email"`, `"key":"b"`, `"other":"a"`} {
		if !strings.Contains(log.String(), word) {
			t.Errorf("the log does not say %s: %s", word, &log)
		}
	}
	if found := s.search(store.Query{Filter: is("/email", value.OpEq, `"x"`)}); len(found.Entries) != 2 || found.Plan.Index != "email" {
		t.Errorf("got %q by %+v", keysOf(found.Entries), found.Plan)
	}
	s.refuse("writing one of them", store.UniqueViolation, put("a", `{"email":"x","n":1}`))
	s.apply(put("a", `{"email":"y"}`))
	log.Reset()
	install("b", 4)
	if log.Len() > 0 {
		t.Errorf("the log says %s", &log)
	}
	sound(t, s.Store)
}

// TestLongFields has values that no place of an index holds whole, written before and
// after it is made, by stores that don't know of each other.
func TestLongFields(t *testing.T) {
	s := open(t)
	long := strings.Repeat("é🙂", 50_000)
	text := func(s string) string { return fmt.Sprintf(`{"text":%q}`, s) }
	s.apply(put("a", text(long+"a")))
	s.unique("text", stringField("text"))
	other := s.beside()
	other.apply(put("b", text(long+"b")), put("c", text("short")))
	s.refuse("a long text again", store.UniqueViolation, put("d", text(long+"a")))
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
		{value.OpPrefix, "é🙂é", 2},
	} {
		q := store.Query{Filter: is("/text", test.op, fmt.Sprintf("%q", test.operand)), Sort: sortedBy("/text", true)}
		found := s.search(q)
		if n := s.count(q).Count; len(found.Entries) != test.want || n != int64(test.want) || found.Plan.Index != "text" {
			t.Errorf("%s …%s: %d entries, counted %d, by %+v; want %d", test.op, test.operand[len(test.operand)-1:], len(found.Entries), n, found.Plan, test.want)
		}
		for i := 1; i < len(found.Entries); i++ {
			if value.Compare(found.Entries[i-1].Value.Data, found.Entries[i].Value.Data) < 0 {
				t.Errorf("%s: not sorted", test.op)
			}
		}
	}
	sound(t, s.Store)
}

// TestTheFirstLongFieldIsMarkedBefore has an index get to hold its first field that is
// cut, and with it lose its order, while another store knows it otherwise.
func TestTheFirstLongFieldIsMarkedBefore(t *testing.T) {
	s := open(t)
	s.index("text", stringField("text"))
	other := s.beside()
	q := store.Query{Filter: is("/text", value.OpGte, `""`), Sort: sortedBy("/text", false), Limit: 1}
	s.apply(put("a", `{"text":"a"}`), put("b", `{"text":"b"}`))
	if found := other.search(q); found.Plan.Scanned != 2 {
		t.Errorf("in order: by %+v", found.Plan)
	}
	long := strings.Repeat("c", 2000)
	_, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("c", `{"text":"`+long+`"}`)}, DryRun: true})
	if err != nil {
		t.Error(err)
	}
	if found := other.search(q); found.Plan.Scanned != 2 {
		t.Errorf("after a dry run: by %+v", found.Plan)
	}
	s.apply(put("c", `{"text":"`+long+`"}`))
	if found := other.search(q); found.Plan.Scanned != 3 || found.Entries[0].Key != "a" {
		t.Errorf("without an order: %q by %+v", keysOf(found.Entries), found.Plan)
	}
}

// TestACutFieldMayBeginWithAnother has the form of a short text begin that of a long
// one, whose hash begins as the end of a text is marked. They are not the same.
func TestACutFieldMayBeginWithAnother(t *testing.T) {
	def := store.Index{Name: "text", Fields: []store.IndexField{stringField("text")}, Unique: true}
	x := sortedindex.Index{Table: "t", Def: def}
	text := func(s string) string { return `{"text":"` + s + `"}` }
	place := func(s string) []byte { return x.Place(value.MustParse(text(s))).Fields }
	short := strings.Repeat("a", 991)
	long := ""
	for i := 0; long == ""; i++ {
		if s := short + strings.Repeat("b", 100) + strconv.Itoa(i); bytes.HasPrefix(place(s), place(short)) {
			long = s
		}
	}
	for name, order := range map[string][2]string{"the long one first": {long, short}, "the short one first": {short, long}} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.unique("text", stringField("text"))
			s.apply(put("a", text(order[0])))
			s.apply(put("b", text(order[1])))
			for _, again := range order {
				s.refuse("again", store.UniqueViolation, put("c", text(again)))
			}
			if err := s.DropIndex(t.Context(), "t", "text"); err != nil {
				t.Fatal(err)
			}
			s.unique("text", stringField("text"))
			sound(t, s.Store)
		})
	}
}
