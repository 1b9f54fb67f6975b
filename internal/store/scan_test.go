package store_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"larder/internal/store"
)

func TestScanValidate(t *testing.T) {
	long := strings.Repeat("k", 1025)
	for _, test := range []struct {
		name  string
		scan  store.Scan
		code  store.Code
		field string
	}{
		{"the least", store.Scan{Table: "t"}, "", ""},
		{"by key", store.Scan{Table: "t", Prefix: "a", Start: "b", End: "a", Reverse: true, Delimiter: "::", KeysOnly: true, Limit: 1000}, "", ""},
		{"by change", store.Scan{Table: "t", Order: store.ByChange, ModifiedSince: noon}, "", ""},
		{"by expiry", store.Scan{Table: "t", Order: store.ByExpiry, ExpiringBefore: noon}, "", ""},
		{"no table", store.Scan{}, store.InvalidTable, "table"},
		{"an unknown order", store.Scan{Table: "t", Order: 3}, store.InvalidScan, "order"},
		{"a long prefix", store.Scan{Table: "t", Prefix: long}, store.InvalidScan, "prefix"},
		{"a start with a control", store.Scan{Table: "t", Start: "\n"}, store.InvalidScan, "start"},
		{"an end that is not UTF-8", store.Scan{Table: "t", End: "\xff"}, store.InvalidScan, "end"},
		{"a delimiter with a control", store.Scan{Table: "t", Delimiter: "\x00"}, store.InvalidScan, "delimiter"},
		{"backwards by change", store.Scan{Table: "t", Order: store.ByChange, Reverse: true}, store.InvalidScan, "reverse"},
		{"groups by expiry", store.Scan{Table: "t", Order: store.ByExpiry, Delimiter: "/"}, store.InvalidScan, "delimiter"},
		{"modified by key", store.Scan{Table: "t", ModifiedSince: noon}, store.InvalidScan, "modified_since"},
		{"expiring by change", store.Scan{Table: "t", Order: store.ByChange, ExpiringBefore: noon}, store.InvalidScan, "expiring_before"},
		{"a limit below 0", store.Scan{Table: "t", Limit: -1}, store.InvalidScan, "limit"},
		{"a limit too high", store.Scan{Table: "t", Limit: 1001}, store.InvalidScan, "limit"},
	} {
		err := test.scan.Validate(store.Limits{})
		field := ""
		if e := store.AsError(err); e != nil {
			field = e.Field
		}
		if store.CodeOf(err) != test.code || field != test.field {
			t.Errorf("%s: got %v in %q, want %q in %q", test.name, err, field, test.code, test.field)
		}
	}
}

func TestPageLimit(t *testing.T) {
	if n := (store.Scan{}).PageLimit(store.Limits{}); n != 1000 {
		t.Errorf("by default a page has %d", n)
	}
	if n := (store.Scan{Limit: 3}).PageLimit(store.Limits{MaxPage: 7}); n != 3 {
		t.Errorf("a page of 3 has %d", n)
	}
	if n := (store.Changes{}).PageLimit(store.Limits{MaxPage: 7}); n != 7 {
		t.Errorf("a page of changes has %d", n)
	}
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{"": "", "a": "b", "a/": "a0", "a\xff": "b", "\xff": "", "\xff\xff": "", "é": "\xc3\xaa"} {
		if got := store.PrefixEnd(prefix); got != want {
			t.Errorf("%q: got %q, want %q", prefix, got, want)
		}
	}
}

// TestCovers holds a scan's half-open range to what it means key by key.
func TestCovers(t *testing.T) {
	text := rapid.StringMatching(`[abÿ\x{10ffff}/]{0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		s := store.Scan{Prefix: text.Draw(t, "prefix"), Start: text.Draw(t, "start"), End: text.Draw(t, "end")}
		key := text.Filter(func(s string) bool { return s != "" }).Draw(t, "key")
		want := strings.HasPrefix(key, s.Prefix) && key >= s.Start && (s.End == "" || key < s.End)
		if got := s.Covers(key); got != want {
			t.Fatalf("%+v covers %q: %v", s, key, got)
		}
	})
}

func TestChangesValidate(t *testing.T) {
	for _, test := range []struct {
		changes store.Changes
		code    store.Code
	}{
		{store.Changes{}, ""},
		{store.Changes{Table: "_system", Prefix: "a/", Limit: 1000, Since: "anything"}, ""},
		{store.Changes{Table: "a/b"}, store.InvalidTable},
		{store.Changes{Prefix: "\x00"}, store.InvalidScan},
		{store.Changes{Limit: -1}, store.InvalidScan},
		{store.Changes{Limit: 1001}, store.InvalidScan},
	} {
		if err := test.changes.Validate(store.Limits{}); store.CodeOf(err) != test.code {
			t.Errorf("%+v: got %v, want %q", test.changes, err, test.code)
		}
	}
}
