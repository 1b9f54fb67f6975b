package config

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	candidates := []string{"listen", "log_level", "max_depth", "max_streams"}
	for name, want := range map[string]string{
		"lisetn": "listen", "listne": "listen", "loglevel": "log_level", "max_dept": "max_depth", "max_stream": "max_streams", "verbosity": "", "x": "",
	} {
		if got := nearest(name, candidates); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestEditDistanceIsAMeasure(t *testing.T) {
	text := rapid.StringMatching(`[ab_]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		there, back := editDistance(a, b), editDistance(b, a)
		if there != back {
			t.Fatalf("%q to %q takes %d edits, back %d", a, b, there, back)
		}
		if (there == 0) != (a == b) {
			t.Fatalf("%q to %q takes %d edits", a, b, there)
		}
		if there > max(len(a), len(b)) {
			t.Fatalf("%q to %q takes %d edits, more than writing it anew", a, b, there)
		}
	})
}
