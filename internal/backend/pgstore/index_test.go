package pgstore

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// TestAUniqueIndexAndWhatHasExpired has an entry that has ended, and was not yet
// cleared up, stand in nobody's way.
func TestAUniqueIndexAndWhatHasExpired(t *testing.T) {
	clock := storetest.NewClock()
	s := open(t, func(o *Options) { o.Now = clock.Now })
	mortal := put("mortal", `{"email":"x"}`)
	mortal.Expiry = store.ExpiresIn(time.Minute)
	s.apply(mortal, put("a", `{"email":"y"}`))
	s.apply(put("b", `{"email":"x"}`))
	_, err := s.PutIndex(t.Context(), "t", store.Index{Name: "email", Fields: []store.IndexField{stringField("email")}, Unique: true})
	fails(t, "building", err, store.UniqueViolation)
	for _, key := range []string{"mortal", "b"} {
		if e := store.AsError(err); !strings.Contains(e.Detail, key) {
			t.Errorf("%q does not name %s", e.Detail, key)
		}
	}
	clock.Advance(time.Minute)
	s.unique("email", stringField("email"))

	again := put("c", `{"email":"z"}`)
	again.Expiry = store.ExpiresIn(time.Minute)
	s.apply(again)
	_, err = s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("d", `{"email":"z"}`)}})
	fails(t, "a living one's", err, store.UniqueViolation)
	clock.Advance(time.Minute)
	s.apply(put("d", `{"email":"z"}`))
}

// TestLongFields has values that no row of an index could hold whole.
func TestLongFields(t *testing.T) {
	s := open(t)
	s.unique("text", stringField("text"))
	s.index("both", stringField("text"), stringField("more"), numberField("n"))
	long := strings.Repeat("é🙂", 50_000)
	text := func(s string) string {
		return fmt.Sprintf(`{"text":%q,"more":%q,"n":1%s}`, s, s, strings.Repeat("7", 300))
	}
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
		{value.OpPrefix, "é🙂é", 2},
	} {
		q := store.Query{Filter: is("/text", test.op, fmt.Sprintf("%q", test.operand)), Sort: sortedBy("/text", true)}
		found := s.search(q)
		counted, err := s.Count(t.Context(), store.Query{Table: "t", Filter: q.Filter})
		if len(found.Entries) != test.want || err != nil || counted.Count != int64(test.want) {
			t.Errorf("%s …%s: %d entries, counted %d, %v; want %d", test.op, test.operand[len(test.operand)-1:], len(found.Entries), counted.Count, err, test.want)
		}
		for i := 1; i < len(found.Entries); i++ {
			if value.Compare(found.Entries[i-1].Value.Data, found.Entries[i].Value.Data) < 0 {
				t.Errorf("%s: not sorted", test.op)
			}
		}
	}
}

// TestLongFieldsApart has fields that are cut agree in all but which is the
// longer.
func TestLongFieldsApart(t *testing.T) {
	s := open(t)
	s.unique("both", stringField("a"), stringField("b"))
	long := strings.Repeat(`é\`, 200)
	cut := firstRunes(long, cutFor(2))
	text := func(a, b string) string { return fmt.Sprintf(`{"a":%q,"b":%q}`, a, b) }
	s.apply(put("1", text(long, cut)), put("2", text(cut, long)), put("3", text(long, long)), put("4", text(cut, cut)), put("5", text(long, long+"x")))
	for i, again := range []string{text(long, cut), text(cut, long), text(long, long), text(cut, cut)} {
		_, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("again", again)}})
		fails(t, strconv.Itoa(i), err, store.UniqueViolation)
	}
}

// TestWideIndexes have as many fields as may be, and each as large as may be.
func TestWideIndexes(t *testing.T) {
	s := open(t)
	names := "abcdefgh"
	for i, typ := range []store.FieldType{store.NumberField, store.StringField} {
		var fields []store.IndexField
		for _, name := range names {
			fields = append(fields, store.IndexField{Path: value.Pointer{string(name)}, Type: typ})
		}
		s.index(fmt.Sprint("wide", i), fields...)
		s.unique(fmt.Sprint("unique", i), fields...)
	}
	entry := func(of func(i int) string) string {
		members := make([]string, len(names))
		for i := range names {
			members[i] = fmt.Sprintf("%q:%s", names[i:i+1], of(i))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	digits := func(last int) func(i int) string {
		return func(i int) string {
			end := 3
			if i == last {
				end = 4
			}
			return fmt.Sprintf("0.%d%s%d", 1+i, strings.Repeat("1234567890", 79)[:789], end)
		}
	}
	emoji := func(last int) func(i int) string {
		return func(i int) string {
			end := "x"
			if i == last {
				end = "y"
			}
			return `"` + strings.Repeat(string('😀'+rune(i)), 400) + end + `"`
		}
	}
	for what, of := range map[string]func(last int) func(i int) string{"numbers": digits, "strings": emoji} {
		key := strings.Repeat("k", store.MaxKeyBytes-len(what)) + what
		s.apply(put(key, entry(of(-1))))
		for last := range names {
			s.apply(put(fmt.Sprint(what, last), entry(of(last))))
		}
		_, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("again", entry(of(-1)))}})
		fails(t, what+" again", err, store.UniqueViolation)
	}
}

// TestLargeIndexesAreEstimated has an index tell how large it is without
// counting all of it.
func TestLargeIndexesAreEstimated(t *testing.T) {
	s := open(t)
	const count = countedEntries + 500
	s.people(count)
	s.index("age", numberField("age"))
	if n := s.defs()[0].Entries; n <= countedEntries || n > 2*count {
		t.Errorf("it is said to have %d entries, and has %d", n, count)
	}
}
