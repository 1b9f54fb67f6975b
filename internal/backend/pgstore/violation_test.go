package pgstore

import (
	"maps"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// TestViolationNamesTheOther says which index refuses an entry and whose value
// it has, whatever the fields are; within a batch, where the other is not
// committed yet, it names the index.
func TestViolationNamesTheOther(t *testing.T) {
	t.Parallel()
	f := open(t)
	long := `"` + strings.Repeat("long ", 1000) + `"`
	for _, x := range []store.Index{
		{Name: "by_s", Unique: true, Fields: []store.IndexField{{Path: value.Pointer{"s"}, Type: store.StringField}}},
		{Name: "by_both", Unique: true, Fields: []store.IndexField{
			{Path: value.Pointer{"n", "0"}, Type: store.NumberField}, {Path: value.Pointer{"b"}, Type: store.BooleanField},
		}},
	} {
		if _, err := f.PutIndex(t.Context(), "t", x); err != nil {
			t.Fatal(err)
		}
	}
	f.apply(put("a", `{"s":"x"}`), put("b\"", `{"n":[1.50],"b":true}`), put("c", `{"s":`+long+`}`))
	for text, want := range map[string]string{
		`{"s":"x","more":1}`:     `the unique index by_s holds the same for the key "a"`,
		`{"b":true,"n":[1.5,7]}`: `the unique index by_both holds the same for the key "b\""`,
		`{"s":` + long + `}`:     `the unique index by_s holds the same for the key "c"`,
	} {
		_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{put("new", text)}})
		fails(t, "a value that is taken", err, store.UniqueViolation)
		if got := store.AsError(err); got.Detail != want || got.Ref.Key != "new" || got.Pointer == "" {
			t.Errorf("got %q at %q for %q, want %q", got.Detail, got.Pointer, got.Ref.Key, want)
		}
	}
	b := store.Batch{Ops: []store.Op{put("d", `{"s":"y"}`), put("e", `{"s":"y"}`)}}
	_, err := f.Apply(t.Context(), b)
	failures := store.FailuresOf(err, b)
	if len(failures) != 1 || failures[0].Index != 1 || failures[0].Err.Detail != "another entry holds the same in the unique index by_s" {
		t.Errorf("the batch fails with %+v, %v", failures, err)
	}
}

// TestExpiredGiveWay has a write take a value that expired entries still hold in
// a unique index. They become deletions then, and a reader of the feed that
// takes one change at a time sees each.
func TestExpiredGiveWay(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	f := open(t, func(o *Options) { o.Now = clock.Now })
	x := store.Index{Name: "by_s", Unique: true, Fields: []store.IndexField{{Path: value.Pointer{"s"}, Type: store.StringField}}}
	if _, err := f.PutIndex(t.Context(), "t", x); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b", "c"} {
		op := put(key, `{"s":"`+key+`"}`)
		op.Expiry = store.ExpiresIn(time.Minute)
		f.apply(op)
	}
	clock.Advance(time.Hour)
	f.apply(put("new", `{"s":"b"}`))
	gone := make(map[string]bool)
	for since := store.Cursor(""); ; {
		feed, err := f.Changes(t.Context(), store.Changes{Table: "t", Since: since, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(feed.Changes) == 0 {
			break
		}
		gone[feed.Changes[0].Key] = feed.Changes[0].Deleted
		since = feed.Next
	}
	if want := map[string]bool{"a": true, "b": true, "c": true, "new": false}; !maps.Equal(gone, want) {
		t.Errorf("the feed shows as deleted %v, want %v", gone, want)
	}
}
