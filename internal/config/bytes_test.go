package config

import (
	"testing"

	"pgregory.net/rapid"
)

func TestBytesText(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "1": 1, "1B": 1, "16KiB": 16 << 10, "1 MiB": 1 << 20, "2mib": 2 << 20, "1GiB": 1 << 30, "5MB": 5e6, "9223372036854775807": 1<<63 - 1,
	} {
		var got Bytes
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "MiB", "1.5MiB", "1XiB", "9223372036854775807KiB", "99999999999999999999"} {
		var got Bytes
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

func TestBytesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Bytes(rapid.Int64Min(0).Draw(t, "bytes"))
		var got Bytes
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%d became %q became %d (%v)", want, want, got, err)
		}
	})
}
