package redisstore

import (
	"strings"
	"testing"
	"time"

	"larder/internal/store"
)

func TestRoutes(t *testing.T) {
	w := newWire("p*[q]", 3)
	for pattern, want := range map[string]route{
		"c":         {name: "p*[q]{3}:ch:c"},
		`a\*[b]\?`:  {name: "p*[q]{3}:ch:a*[b]?"},
		`\\`:        {name: `p*[q]{3}:ch:\`},
		"*":         {glob: true, name: `p\*\[q]{3}:ch:*`},
		"?":         {glob: true, name: `p\*\[q]{3}:ch:*`},
		"a*":        {glob: true, name: `p\*\[q]{3}:ch:a*`},
		"a?":        {glob: true, name: `p\*\[q]{3}:ch:a*`},
		"a*b?c*d":   {glob: true, name: `p\*\[q]{3}:ch:a*d`},
		"é?ü":       {glob: true, name: `p\*\[q]{3}:ch:é*ü`},
		`[a]\**\?]`: {glob: true, name: `p\*\[q]{3}:ch:\[a]\**\?]`},
	} {
		p, err := store.ParseChannelPattern(pattern)
		if err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		if got := w.route(p); got != want {
			t.Errorf("%q is %+v, want %+v", pattern, got, want)
		}
	}
}

// TestGlobsAreCheap holds globs to one * each, whatever the pattern is: the time that
// Redis takes to match one can grow with every further one.
func TestGlobsAreCheap(t *testing.T) {
	w := newWire("larder", 0)
	for _, pattern := range []string{strings.Repeat("*a", 256), strings.Repeat("a*", 256), strings.Repeat("?*", 256), strings.Repeat(`\**`, 100), "*"} {
		p, err := store.ParseChannelPattern(pattern)
		if err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		r := w.route(p)
		if n := strings.Count(r.name, "*") - strings.Count(r.name, `\*`); !r.glob || n != 1 {
			t.Errorf("%.10q is %+v, with %d *", pattern, r, n)
		}
	}
}

func TestMessageRoundTrips(t *testing.T) {
	w := newWire("larder", 0)
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC)
	for _, payload := range []string{`1`, `"a b"`, `{"a":[1,2]}`, `" "`} {
		m, err := w.message(w.channel("c d"), encodeMessage([]byte(payload), at))
		if err != nil || m.Channel != "c d" || string(m.Payload) != payload || !m.PublishedAt.Equal(at) || m.Gap {
			t.Errorf("%s came as %+v (%v)", payload, m, err)
		}
	}
}
