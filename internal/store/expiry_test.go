package store_test

import (
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

func TestExpiry(t *testing.T) {
	put := func(x store.Expiry, byDefault time.Duration) store.Op {
		return store.Op{Kind: store.Put, Value: value.MustParse(`1`), Expiry: x, DefaultTTL: byDefault}
	}
	change := func(x store.Expiry, byDefault time.Duration) store.Op {
		return store.Op{Kind: store.Patch, PatchType: store.MergePatch, Patch: []byte(`1`), Expiry: x, DefaultTTL: byDefault}
	}
	create := func(x store.Expiry, byDefault time.Duration) store.Op {
		return store.Op{Kind: store.Increment, Increment: store.Step{Delta: []byte(`1`), Initial: []byte(`0`)}, Expiry: x, DefaultTTL: byDefault}
	}
	nothing, endless, ending, ended := store.Entry{}, written(`1`), written(`1`), written(`1`)
	ending.ExpiresAt, ended.ExpiresAt = noonCut.Add(time.Hour), noonCut
	in := noonCut.Add
	const day = 24 * time.Hour
	for _, test := range []struct {
		name    string
		op      store.Op
		current store.Entry
		want    time.Time
	}{
		{"a put ends the old life", put(store.Expiry{}, 0), ending, time.Time{}},
		{"a put gives the default", put(store.Expiry{}, day), ending, in(day)},
		{"a put that keeps", put(store.KeepExpiry(), day), ending, in(time.Hour)},
		{"a put that keeps no end", put(store.KeepExpiry(), day), endless, time.Time{}},
		{"a put that keeps, of nothing", put(store.KeepExpiry(), day), nothing, in(day)},
		{"a put that keeps, of what has ended", put(store.KeepExpiry(), 0), ended, time.Time{}},
		{"a put that never ends", put(store.NeverExpires(), day), ending, time.Time{}},
		{"a put for a time", put(store.ExpiresIn(time.Minute), day), ending, in(time.Minute)},
		{"a put until a time", put(store.ExpiresAt(in(time.Minute).Add(999)), day), ending, in(time.Minute)},
		{"a change keeps", change(store.Expiry{}, day), ending, in(time.Hour)},
		{"a change keeps no end", change(store.Expiry{}, day), endless, time.Time{}},
		{"a change that never ends", change(store.NeverExpires(), day), ending, time.Time{}},
		{"a creation gives the default", create(store.Expiry{}, day), nothing, in(day)},
		{"a creation over what has ended", create(store.Expiry{}, 0), ended, time.Time{}},
		{"the shortest", put(store.ExpiresIn(time.Microsecond), 0), nothing, in(time.Microsecond)},
		{"the longest", put(store.ExpiresIn(store.MaxTTL), 0), nothing, in(store.MaxTTL)},
		{"until the furthest", put(store.ExpiresAt(in(store.MaxTTL)), 0), nothing, in(store.MaxTTL)},
		{"in another zone", put(store.ExpiresAt(in(time.Hour).In(time.FixedZone("", -7*3600))), 0), nothing, in(time.Hour)},
	} {
		got, err := eval(test.op, test.current)
		if err != nil || !got.ExpiresAt.Equal(test.want) || got.ExpiresAt.Location() != time.UTC {
			t.Errorf("%s: got %v, %v, want %v", test.name, got.ExpiresAt, err, test.want)
		}
	}
	for _, x := range []store.Expiry{
		store.ExpiresIn(0), store.ExpiresIn(time.Microsecond - 1), store.ExpiresIn(-time.Hour), store.ExpiresIn(store.MaxTTL + 1),
		store.ExpiresAt(noon), store.ExpiresAt(noonCut), store.ExpiresAt(time.Time{}), store.ExpiresAt(in(store.MaxTTL).Add(time.Microsecond)),
	} {
		if _, err := eval(put(x, day), nothing); store.CodeOf(err) != store.InvalidTTL || store.AsError(err).Ref != ada {
			t.Errorf("%+v: got %v", x, err)
		}
	}
}

func TestExpirySaysWhatItIs(t *testing.T) {
	var unset store.Expiry
	if !unset.IsUnset() || unset.Keeps() || unset.Never() {
		t.Error("the zero Expiry is unset and nothing else")
	}
	if x := store.KeepExpiry(); x.IsUnset() || !x.Keeps() || x.Never() {
		t.Error("KeepExpiry keeps and nothing else")
	}
	if x := store.NeverExpires(); x.IsUnset() || x.Keeps() || !x.Never() {
		t.Error("NeverExpires never ends and nothing else")
	}
	if at, is := store.ExpiresAt(noon).Instant(); !is || !at.Equal(noon) {
		t.Error("ExpiresAt has its instant")
	}
	if d, is := store.ExpiresIn(time.Hour).Duration(); !is || d != time.Hour {
		t.Error("ExpiresIn has its duration")
	}
	if _, is := store.ExpiresIn(time.Hour).Instant(); is {
		t.Error("ExpiresIn has no instant")
	}
	if _, is := store.ExpiresAt(noon).Duration(); is {
		t.Error("ExpiresAt has no duration")
	}
}

func TestExpiredAt(t *testing.T) {
	e := written(`1`)
	e.ExpiresAt = noonCut
	if e.ExpiredAt(noonCut.Add(-1)) || !e.ExpiredAt(noonCut) || !e.ExpiredAt(noonCut.Add(1)) {
		t.Error("the end itself, and nothing before it, no longer belongs to the life")
	}
	if seen := e.At(noonCut); seen.Exists() || seen.Version != e.Version || !seen.Value.IsZero() || seen.Metadata != nil || !seen.CreatedAt.IsZero() {
		t.Errorf("an expired entry is seen as %+v", seen)
	}
	if seen := e.At(noonCut.Add(-1)); !seen.Equal(e) {
		t.Errorf("a living entry is seen as %+v", seen)
	}
}
