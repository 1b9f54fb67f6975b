package store_test

import (
	"strings"
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

func TestCompileSaysWhatIsWrong(t *testing.T) {
	is := func(path, op, val string) value.Filter { return value.Filter{Path: path, Op: op, Value: []byte(val)} }
	for _, test := range []struct {
		name           string
		q              store.Query
		code           store.Code
		field, pointer string
	}{
		{"all of it", store.Query{Table: "t", Filter: is("/a", value.OpEq, `1`), Sort: []store.Sort{{Path: "$key"}}, Select: []value.Pointer{{"a"}}, Limit: 1000, Offset: store.MaxOffset}, "", "", ""},
		{"no table", store.Query{}, store.InvalidTable, "table", ""},
		{"a limit below 0", store.Query{Table: "t", Limit: -1}, store.InvalidQuery, "limit", ""},
		{"a limit too high", store.Query{Table: "t", Limit: 1001}, store.InvalidQuery, "limit", ""},
		{"an offset below 0", store.Query{Table: "t", Offset: -1}, store.InvalidQuery, "offset", ""},
		{"an offset too high", store.Query{Table: "t", Offset: store.MaxOffset + 1}, store.InvalidQuery, "offset", ""},
		{"an offset and a position", store.Query{Table: "t", Offset: 1, After: &store.Position{}}, store.InvalidQuery, "offset", ""},
		{"a position of another sort", store.Query{Table: "t", After: &store.Position{Sort: []value.Value{{}}}}, store.InvalidCursor, "cursor", ""},
		{"too many sorts", store.Query{Table: "t", Sort: make([]store.Sort, 9)}, store.InvalidQuery, "sort", ""},
		{"too many selects", store.Query{Table: "t", Select: make([]value.Pointer, 101)}, store.InvalidQuery, "select", ""},
		{"a bad sort", store.Query{Table: "t", Sort: []store.Sort{{Path: "/a"}, {Path: "a"}}}, store.InvalidQuery, "sort", "/1/path"},
		{"a bad operator", store.Query{Table: "t", Filter: is("/a", "equals", `1`)}, store.InvalidQuery, "filter", "/op"},
		{"a bad path deep down", store.Query{Table: "t", Filter: value.Filter{And: []value.Filter{is("/a", value.OpEq, `1`), {Or: []value.Filter{is("a", value.OpEq, `1`)}}}}}, store.InvalidQuery, "filter", "/and/1/or/0/path"},
	} {
		_, err := test.q.Compile(store.Limits{})
		var field, pointer string
		if e := store.AsError(err); e != nil {
			field, pointer = e.Field, e.Pointer
		}
		if store.CodeOf(err) != test.code || field != test.field || pointer != test.pointer {
			t.Errorf("%s: got %v in %q at %q, want %q in %q at %q", test.name, err, field, pointer, test.code, test.field, test.pointer)
		}
	}
}

func TestCompileFillsIn(t *testing.T) {
	c, err := store.Query{Table: "t"}.Compile(store.Limits{MaxPage: 7, ScanBudget: 9})
	if err != nil || c.Limit != 7 || c.Budget != 9 {
		t.Errorf("got %+v, %v", c, err)
	}
	c, err = store.Query{Table: "t", Limit: 3, Budget: 4}.Compile(store.Limits{})
	if err != nil || c.Limit != 3 || c.Budget != 4 {
		t.Errorf("got %+v, %v", c, err)
	}
}

// table makes entries k0, k1, … of these values.
func table(values ...string) []store.Entry {
	var entries []store.Entry
	for i, text := range values {
		e := written(text)
		e.Key = "k" + string(rune('0'+i))
		entries = append(entries, e)
	}
	return entries
}

func keys(entries []store.Entry) string {
	var parts []string
	for _, e := range entries {
		parts = append(parts, e.Key)
	}
	return strings.Join(parts, " ")
}

func TestEvaluate(t *testing.T) {
	entries := table(`{"n":3}`, `{"n":1}`, `{"n":"1"}`, `{}`, `{"n":1,"m":2}`)
	entries = append(entries, entries[0].Tombstone(noon), store.Entry{})
	entries[5].Key = "gone"
	byN := []store.Sort{{Path: "/n"}}
	for _, test := range []struct {
		name string
		q    store.Query
		want string
		next string // its key
	}{
		{"everything", store.Query{}, "k0 k1 k2 k3 k4", ""},
		{"a filter", store.Query{Filter: value.Filter{Path: "/n", Op: value.OpEq, Value: []byte(`1`)}}, "k1 k4", ""},
		{"a sort", store.Query{Sort: byN}, "k3 k1 k4 k0 k2", ""},
		{"a sort downwards", store.Query{Sort: []store.Sort{{Path: "/n", Descending: true}}}, "k2 k0 k1 k4 k3", ""},
		{"two sorts", store.Query{Sort: []store.Sort{{Path: "/n"}, {Path: "/m", Descending: true}}}, "k3 k4 k1 k0 k2", ""},
		{"a page", store.Query{Sort: byN, Limit: 2}, "k3 k1", "k1"},
		{"a page just full", store.Query{Sort: byN, Limit: 5}, "k3 k1 k4 k0 k2", ""},
		{"a page further on", store.Query{Sort: byN, Limit: 2, Offset: 1}, "k1 k4", "k4"},
		{"beyond the end", store.Query{Offset: 5}, "", ""},
		{"after a position", store.Query{Sort: byN, After: &store.Position{Sort: []value.Value{value.MustParse(`1`)}, Key: "k1"}}, "k4 k0 k2", ""},
		{"after a missing field", store.Query{Sort: byN, After: &store.Position{Sort: []value.Value{{}}, Key: "k3"}}, "k1 k4 k0 k2", ""},
	} {
		test.q.Table = "users"
		found, err := store.Evaluate(test.q, entries, store.Limits{})
		if err != nil || keys(found.Entries) != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.name, keys(found.Entries), err, test.want)
		}
		next := ""
		if found.Next != nil {
			next = found.Next.Key
		}
		if next != test.next {
			t.Errorf("%s: goes on after %q, want %q", test.name, next, test.next)
		}
	}
	if _, err := store.Evaluate(store.Query{Table: "users", Limit: -1}, entries, store.Limits{}); store.CodeOf(err) != store.InvalidQuery {
		t.Errorf("a bad query gave %v", err)
	}
}

func TestProject(t *testing.T) {
	entries := table(`{"a":{"b":1,"c":2},"d":3}`, `7`, `{"d":null}`, `1`)
	entries[3].Value = value.OfBytes([]byte(`{"d":3}`))
	found, err := store.Evaluate(store.Query{Table: "users", Select: []value.Pointer{{"a", "b"}, {"d"}}}, entries, store.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`{"a":{"b":1},"d":3}`, `{}`, `{"d":null}`, `{"d":3}`} {
		if got := string(found.Entries[i].Value.Data); got != want {
			t.Errorf("entry %d: got %s, want %s", i, got, want)
		}
	}
	if string(entries[0].Value.Data) != `{"a":{"b":1,"c":2},"d":3}` {
		t.Error("the entries asked about were changed")
	}
}

func TestFieldsOfAnEntry(t *testing.T) {
	e := written(`{"n":1}`)
	e.Key, e.ExpiresAt = "a\"b", noonCut
	for _, test := range []struct {
		filter string
		want   bool
	}{
		{`{"path":"$key","op":"eq","value":"a\"b"}`, true},
		{`{"path":"$version","op":"eq","value":3}`, true},
		{`{"path":"$version","op":"eq","value":"3"}`, false},
		{`{"path":"$created_at","op":"lt","value":"2026-03-01T10:00:00.123457Z"}`, true},
		{`{"path":"$created_at","op":"lt","value":"2026-03-01T10:00:00.123456Z"}`, false},
		{`{"path":"$updated_at","op":"gte","value":"2026-03-01T12:00:00.123456+01:00"}`, true},
		{`{"path":"$expires_at","op":"eq","value":"2026-03-01T12:00:00.123456Z"}`, true},
		{`{"path":"$expires_at","op":"is_null"}`, false},
		{`{"path":"$metadata/tier","op":"eq","value":"gold"}`, true},
		{`{"path":"$metadata/owner","op":"exists"}`, false},
		{`{"path":"","op":"eq","value":{"n":1}}`, true},
		{`{"path":"/n","op":"exists"}`, true},
	} {
		filter, err := value.ParseFilter([]byte(test.filter), value.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		c, err := store.Query{Table: "users", Filter: filter}.Compile(store.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Match(e); got != test.want {
			t.Errorf("%s: %v", test.filter, got)
		}
		if endless := written(`{"n":1}`); strings.Contains(test.filter, "$expires_at") && c.Match(endless) == test.want {
			t.Errorf("%s holds for one that never expires: %v", test.filter, test.want)
		}
		if bytes := (store.Entry{Ref: e.Ref, Version: 1, Value: value.OfBytes([]byte(`{"n":1}`))}); strings.Contains(test.filter, "/n\"") && c.Match(bytes) {
			t.Errorf("%s holds for bytes", test.filter)
		}
	}
}
