package value

import (
	"regexp"
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
		"%" + strings.Repeat("a_", 100) + "b",
	} {
		p, detail := parseLike(pattern)
		if detail != "" {
			t.Fatal(detail)
		}
		start := time.Now()
		if p.match([]byte(strings.Repeat("a", DefaultMaxBytes))) {
			t.Errorf("%.20s matches", pattern)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%.20s took %v", pattern, d)
		}
	}
}
