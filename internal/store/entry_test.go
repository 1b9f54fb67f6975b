package store_test

import (
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

func TestEntryExists(t *testing.T) {
	if (store.Entry{}).Exists() || !written(`1`).Exists() || written(`1`).Tombstone(noon).Exists() || (store.Entry{Version: 7, Deleted: true}).Exists() {
		t.Error("an entry exists that was written and not deleted, and no other")
	}
}

func TestEntryTombstone(t *testing.T) {
	e := written(`{"n":1}`)
	e.ExpiresAt = noon.Add(time.Hour)
	want := store.Entry{Ref: ada, Version: 4, UpdatedAt: noonCut, Deleted: true}
	if got := e.Tombstone(noon.In(time.FixedZone("", 3600))); !got.Equal(want) || got.UpdatedAt.Location() != time.UTC {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := e.Tombstone(e.UpdatedAt.Add(-time.Hour)); !got.UpdatedAt.Equal(e.UpdatedAt) {
		t.Errorf("deleted at %v, before it was updated at %v", got.UpdatedAt, e.UpdatedAt)
	}
}

func TestEntryAbsent(t *testing.T) {
	for _, e := range []store.Entry{written(`1`), written(`1`).Tombstone(noon), {Ref: ada}} {
		want := store.Entry{Ref: ada, Version: e.Version, Deleted: e.Version > 0}
		if got := e.Absent(); !got.Equal(want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	gone := written(`1`).Tombstone(noon)
	if seen := gone.At(noon); !seen.Equal(gone.Absent()) {
		t.Errorf("a tombstone is seen as %+v", seen)
	}
}

func TestEntryEqual(t *testing.T) {
	e := written(`{"n":1}`)
	e.ExpiresAt = noon
	other := e
	other.ExpiresAt = noon.In(time.FixedZone("", 3600))
	if !e.Equal(other) {
		t.Error("the same moment in two zones is the same")
	}
	for name, change := range map[string]func(o *store.Entry){
		"table":      func(o *store.Entry) { o.Table = "x" },
		"key":        func(o *store.Entry) { o.Key = "x" },
		"value":      func(o *store.Entry) { o.Value = value.MustParse(`2`) },
		"encoding":   func(o *store.Entry) { o.Value.Encoding = value.Bytes },
		"version":    func(o *store.Entry) { o.Version++ },
		"created":    func(o *store.Entry) { o.CreatedAt = noon },
		"updated":    func(o *store.Entry) { o.UpdatedAt = noon },
		"expires":    func(o *store.Entry) { o.ExpiresAt = noon.Add(1) },
		"metadata":   func(o *store.Entry) { o.Metadata = map[string]string{"tier": "silver"} },
		"tombstones": func(o *store.Entry) { o.Deleted = true },
	} {
		other := e
		change(&other)
		if e.Equal(other) {
			t.Errorf("%s: equal all the same", name)
		}
	}
}

func TestEntryWithoutValue(t *testing.T) {
	for _, v := range []value.Value{value.MustParse(`1`), value.OfBytes([]byte{1})} {
		e := written(`1`)
		e.Value = v
		want := e
		want.Value = value.Value{Encoding: v.Encoding}
		if got := e.WithoutValue(); !got.Equal(want) || !e.Value.Equal(v) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
