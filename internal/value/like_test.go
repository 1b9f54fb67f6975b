package value

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Patterns are what a regular expression of the same meaning is.
func TestLikeIsARegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune(`aab%%_\é`)), 0, 10, -1).Draw(t, "pattern")
		text := rapid.StringOfN(rapid.SampledFrom([]rune(`aaab%_\é`)), 0, 12, -1).Draw(t, "text")
		p, detail := parseLike(pattern)
		var expr strings.Builder
		escaped := false
		for _, r := range pattern {
			switch {
			case !escaped && r == '\\':
				escaped = true
				continue
			case !escaped && r == '%':
				expr.WriteString(".*")
			case !escaped && r == '_':
				expr.WriteString(".")
			default:
				expr.WriteString(regexp.QuoteMeta(string(r)))
			}
			escaped = false
		}
		if escaped != (detail != "") {
			t.Fatalf("%q: %q", pattern, detail)
		}
		if escaped {
			return
		}
		want := regexp.MustCompile(`(?s)\A` + expr.String() + `\z`).MatchString(text)
		if got := p.match([]byte(text)); got != want {
			t.Fatalf("%q like %q: %v", text, pattern, got)
		}
	})
}

func TestLikeHostilePatternIsBounded(t *testing.T) {
	for _, pattern := range []string{
		strings.Repeat("a%", MaxLike/2-1) + "b",
		strings.Repeat("%_", MaxLike/2-1) + "b",
		"%" + strings.Repeat("a_", MaxLike/2-2) + "b%",
		"%" + strings.Repeat("a", MaxLike-3) + "b%",
		strings.Repeat("%a_a", MaxLike/4-1) + "b",
	} {
		p, detail := parseLike(pattern)
		if detail != "" {
			t.Fatal(detail)
		}
		start := time.Now()
		if p.match([]byte(strings.Repeat("a", DefaultMaxBytes))) {
			t.Errorf("%.20s matches", pattern)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%.20s took %v", pattern, d)
		}
	}
}

// Parts longer than a word of bits, with their _ anywhere.
func TestLikeFindsLongParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SliceOfN(rapid.SampledFrom([]rune("ab")), 1, 200).Draw(t, "part")
		before := rapid.StringOfN(rapid.SampledFrom([]rune("abé")), 0, 200, -1).Draw(t, "before")
		pattern := slices.Clone(part)
		for range rapid.IntRange(1, 10).Draw(t, "_") {
			pattern[rapid.IntRange(0, len(pattern)-1).Draw(t, "at")] = '_'
		}
		p, detail := parseLike("%" + string(pattern) + "%c")
		if detail != "" {
			t.Fatal(detail)
		}
		text := before + string(part) + "dc"
		if !p.match([]byte(text)) {
			t.Fatalf("%q is not like %q", text, string(pattern))
		}
		changed := strings.Repeat("é", len(part)-1) + "c" // too short, whatever fits
		if p.match([]byte(changed)) {
			t.Fatalf("%q is like %q", changed, string(pattern))
		}
	})
}
