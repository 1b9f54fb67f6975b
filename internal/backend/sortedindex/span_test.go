package sortedindex

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestStartingWith(t *testing.T) {
	some := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xfe, 0xff}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		prefix, b := some.Draw(t, "prefix"), some.Draw(t, "bytes")
		if got, want := StartingWith(prefix).Holds(b), bytes.HasPrefix(b, prefix); got != want {
			t.Fatalf("%x begins with %x: %t, want %t", b, prefix, got, want)
		}
	})
}

func TestWhatSpansHaveInCommon(t *testing.T) {
	end := rapid.SampledFrom([][]byte{nil, {}, {1}, {1, 2}, {2}, {0xff}})
	spans := rapid.Custom(func(t *rapid.T) Span { return Span{end.Draw(t, "lo"), end.Draw(t, "hi")} })
	rapid.Check(t, func(t *rapid.T) {
		a, b, at := spans.Draw(t, "a"), spans.Draw(t, "b"), end.Draw(t, "at")
		both := a.within(b)
		if got, want := both.Holds(at), a.Holds(at) && b.Holds(at); got != want {
			t.Fatalf("%x within %x and %x: %t, want %t", at, a, b, got, want)
		}
		if both.isEmpty() && both.Holds(at) {
			t.Fatalf("%x holds %x and is empty", both, at)
		}
	})
}
