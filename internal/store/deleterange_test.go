package store_test

import (
	"context"
	"fmt"
	"testing"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// filled is a store with so many entries in a table, under "a/".
func filled(t *testing.T, n int, lim store.Limits) store.Store {
	t.Helper()
	s := storetest.NewModel(storetest.ModelOptions{Limits: lim})
	for i := range n {
		op := store.Op{Kind: store.Put, Ref: store.Ref{Table: "users", Key: fmt.Sprintf("a/%03d", i)}, Value: value.MustParse(`1`)}
		if _, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestDeleteRange(t *testing.T) {
	for _, test := range []struct {
		name    string
		removal store.Removal
		n       int64
		left    int
		code    store.Code
	}{
		{"all", store.Removal{}, 25, 0, ""},
		{"a prefix", store.Removal{Prefix: "a/01"}, 10, 15, ""},
		{"a range", store.Removal{Start: "a/005", End: "a/008"}, 3, 22, ""},
		{"nothing", store.Removal{Prefix: "b"}, 0, 25, ""},
		{"a dry run", store.Removal{DryRun: true}, 25, 25, ""},
		{"just as many", store.Removal{Most: 25}, 25, 0, ""},
		{"too many", store.Removal{Most: 24}, 0, 25, store.TooManyAffected},
		{"too many, dry", store.Removal{Most: 24, DryRun: true}, 0, 25, store.TooManyAffected},
		{"a bad prefix, counted first", store.Removal{Prefix: "\x00", Most: 1}, 0, 25, store.InvalidScan},
		{"a bad prefix", store.Removal{Prefix: "\x00"}, 0, 25, store.InvalidScan},
	} {
		s := filled(t, 25, store.Limits{MaxPage: 7, MaxOperations: 4})
		test.removal.Table = "users"
		n, err := store.DeleteRange(t.Context(), s, test.removal)
		if n != test.n || store.CodeOf(err) != test.code {
			t.Errorf("%s: got %d, %v, want %d, %q", test.name, n, err, test.n, test.code)
		}
		infos, err := s.Tables(t.Context())
		if err != nil || infos[0].Entries != int64(test.left) {
			t.Errorf("%s: there is left %+v, %v, want %d", test.name, infos, err, test.left)
		}
	}
}

// failing fails its writes from one on.
type failing struct {
	store.Store
	left int
}

func (f *failing) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if f.left--; f.left < 0 {
		return nil, &store.Error{Code: store.Unavailable}
	}
	return f.Store.Apply(ctx, b)
}

func TestDeleteRangeSaysHowFarItCame(t *testing.T) {
	s := &failing{filled(t, 25, store.Limits{MaxPage: 4}), 2}
	n, err := store.DeleteRange(t.Context(), s, store.Removal{Table: "users"})
	if n != 8 || store.CodeOf(err) != store.Unavailable {
		t.Errorf("got %d, %v, want 8 and unavailable", n, err)
	}
	s.left = 100
	if n, err := store.DeleteRange(t.Context(), s, store.Removal{Table: "users"}); n != 17 || err != nil {
		t.Errorf("again: got %d, %v, want 17", n, err)
	}
}

// absentminded shows entries that are gone by the time they are deleted.
type absentminded struct{ store.Store }

func (a absentminded) Scan(ctx context.Context, s store.Scan) (store.Page, error) {
	page, err := a.Store.Scan(ctx, s)
	if err == nil && len(page.Entries) > 0 {
		_, err = a.Apply(ctx, store.Batch{Ops: []store.Op{{Kind: store.Delete, Ref: page.Entries[0].Ref}}})
	}
	return page, err
}

func TestDeleteRangeCountsWhatItDeleted(t *testing.T) {
	n, err := store.DeleteRange(t.Context(), absentminded{filled(t, 10, store.Limits{MaxPage: 5})}, store.Removal{Table: "users"})
	if n != 8 || err != nil {
		t.Errorf("got %d, %v, want 8, since two were deleted by another", n, err)
	}
}

// TestDeleteRangeOverSlots deletes key by key what can't go at one moment.
func TestDeleteRangeOverSlots(t *testing.T) {
	s := &storetest.Slotted{Model: filled(t, 25, store.Limits{MaxPage: 7}).(*storetest.Model)}
	n, err := store.DeleteRange(t.Context(), s, store.Removal{Table: "users", Prefix: "a/0", Most: 25})
	if n != 25 || err != nil {
		t.Errorf("got %d, %v, want 25", n, err)
	}
	if infos, err := s.Tables(t.Context()); err != nil || infos[0].Entries != 0 {
		t.Errorf("there is left %+v, %v", infos, err)
	}
}

// partly fails to delete some keys.
type partly struct {
	*storetest.Slotted
	codes map[string]store.Code
}

func (p partly) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if code := p.codes[b.Ops[0].Ref.Key]; code != "" && len(b.Ops) == 1 {
		return nil, &store.Error{Code: code}
	}
	return p.Slotted.Apply(ctx, b)
}

func TestDeleteRangeOverSlotsSaysHowFarItCame(t *testing.T) {
	for code, codes := range map[store.Code]map[string]store.Code{
		store.Unavailable: {"a/002": store.Unavailable},
		store.Ambiguous:   {"a/001": store.Unavailable, "a/002": store.Ambiguous, "a/003": store.Unavailable},
	} {
		s := partly{&storetest.Slotted{Model: filled(t, 12, store.Limits{MaxPage: 5}).(*storetest.Model)}, codes}
		n, err := store.DeleteRange(t.Context(), s, store.Removal{Table: "users"})
		if n != int64(5-len(codes)) || store.CodeOf(err) != code {
			t.Errorf("got %d, %v, want all of a page but %d, and %s", n, err, len(codes), code)
		}
		if again, err := store.DeleteRange(t.Context(), s.Slotted, store.Removal{Table: "users"}); n+again != 12 || err != nil {
			t.Errorf("again: got %d, %v, and %d before", again, err, n)
		}
	}
}
