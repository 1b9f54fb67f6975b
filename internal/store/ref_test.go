package store_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"larder/internal/store"
)

func TestValidateTable(t *testing.T) {
	for _, name := range []string{"a", "Z", "0", "a.b", "a-b", "a_b", "a..", "_a", "_0.x", strings.Repeat("t", 128), "_" + strings.Repeat("t", 127)} {
		if err := store.ValidateTable(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "_", "__", "__a", ".", "..", "-a", ".a", "a b", "a/b", "ä", "a\x00", "a\n", "a:b", "_.a", "\xff", strings.Repeat("t", 129), "_" + strings.Repeat("t", 128)} {
		if e := store.AsError(store.ValidateTable(name)); e == nil || e.Code != store.InvalidTable || e.Field != "table" {
			t.Errorf("%q: %v", name, e)
		}
	}
	if !store.IsSystem("_a") || store.IsSystem("a_") || store.IsSystem("") {
		t.Error("a system table is one that starts with _")
	}
}

func TestValidateKey(t *testing.T) {
	for _, key := range []string{"a", " ", "...", "a/b", "é", "🙂", "\uffff", "\u00a0", "\u2028", "%00", `\u0000`, strings.Repeat("k", 1024), strings.Repeat("🙂", 256)} {
		if err := store.ValidateKey(key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	for _, key := range []string{"", ".", "..", "\x00", "a\x1f", "\x7f", "\u0080", "a\u009f", "\xff", "a\xc3", "\xed\xa0\x80", strings.Repeat("k", 1025), strings.Repeat("🙂", 257)} {
		if e := store.AsError(store.ValidateKey(key)); e == nil || e.Code != store.InvalidKey || e.Field != "key" {
			t.Errorf("%q: %v", key, e)
		}
	}
	if err := (store.Ref{Table: "a b", Key: ""}).Validate(); store.CodeOf(err) != store.InvalidTable {
		t.Errorf("a bad table and a bad key: %v", err)
	}
	if got := (store.Ref{Table: "users", Key: "a/b"}).String(); got != "users/a/b" {
		t.Errorf("a ref is called %q", got)
	}
}

// FuzzValidateKey holds the rule to another way of saying it.
func FuzzValidateKey(f *testing.F) {
	for _, key := range []string{"", ".", "a", "é", "\xff", "\x00", "\u0085", "\xed\xa0\x80"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		valid := key != "" && key != "." && key != ".." && len(key) <= 1024 && utf8.ValidString(key) && strings.IndexFunc(key, unicode.IsControl) < 0
		if err := store.ValidateKey(key); (err == nil) != valid {
			t.Errorf("%q: %v", key, err)
		}
	})
}
