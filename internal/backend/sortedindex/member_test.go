package sortedindex

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"
)

func TestMembersSortAsFieldsAndKeysDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := places(2).Draw(t, "a"), places(2).Draw(t, "b")
		if rapid.Bool().Draw(t, "the same fields") {
			b.raw = a.raw
		}
		want := cmp.Compare(a.compare(b), 0)
		if got := bytes.Compare(a.member(), b.member()); got != want {
			t.Fatalf("members %x and %x: %d, want %d", a.member(), b.member(), got, want)
		}
		if got := bytes.Compare(a.plain(), b.plain()); got != want {
			t.Fatalf("keys %x and %x: %d, want %d", a.plain(), b.plain(), got, want)
		}
	})
}

func TestSplitGivesWhatWasJoined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := places(rapid.IntRange(1, 8).Draw(t, "fields")).Draw(t, "place")
		fields, key, err := Split(p.member())
		if err != nil || !bytes.Equal(fields, p.fields()) || string(key) != p.key {
			t.Fatalf("got %x, %q, %v; want %x, %q", fields, key, err, p.fields(), p.key)
		}
	})
}

func TestSplitRefusesWhatJoinDidNotGive(t *testing.T) {
	for _, member := range []string{
		"", "\x00", "\x00\x01", "\x00\x00\x00", "fk\x00\x01", "fk\x01\x00\x01", "fk\x00\x00\x02", "fk\x00\x01\x01", "f\x00\x00\x01",
	} {
		if fields, key, err := Split([]byte(member)); err == nil {
			t.Errorf("%q: got %q and %q, want an error", member, fields, key)
		}
	}
}

// TestThePlaceAfterAnEntry lies between it and the next, whichever that is.
func TestThePlaceAfterAnEntry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := places(2).Draw(t, "a"), places(2).Draw(t, "b")
		if rapid.Bool().Draw(t, "the same fields") {
			b.raw = a.raw
		}
		if rapid.Bool().Draw(t, "a longer key") {
			b.key = a.key + b.key
		}
		after := Span{Lo: afterEntry(a.fields(), a.key)}
		want := b.compare(a) > 0
		if after.Holds(b.plain()) != want || after.Holds(b.member()) != want {
			t.Fatalf("after %+v %+v comes: %t as a key, %t as a member, want %t", a, b, after.Holds(b.plain()), after.Holds(b.member()), want)
		}
	})
}
