package store_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"larder/internal/store"
)

func TestValidateChannel(t *testing.T) {
	for _, name := range []string{"a", " ", "...", "a/b", "a:b", "*", "?", `\`, "é", "🙂", "\u2028", strings.Repeat("k", 256), strings.Repeat("🙂", 64)} {
		if err := store.ValidateChannel(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "\x00", "a\n", "\x7f", "a\u009f", "\xff", "\xed\xa0\x80", strings.Repeat("k", 257), strings.Repeat("🙂", 65)} {
		if e := store.AsError(store.ValidateChannel(name)); e == nil || e.Code != store.InvalidChannel || e.Field != "channel" || e.Detail == "" {
			t.Errorf("%q: %v", name, e)
		}
	}
}

func TestParseChannelPatternRefuses(t *testing.T) {
	for _, text := range []string{
		"", ".", "..", `\.`, `\.\.`, `\`, `a\`, `a\\\`, "\x00", "*\n", "*\x7f", "?\u009f", "*\xff", "\xed\xa0\x80",
		strings.Repeat("k", 257), `\` + strings.Repeat("k", 257), strings.Repeat("k", 512) + "*", strings.Repeat("?", 513),
	} {
		_, err := store.ParseChannelPattern(text)
		if e := store.AsError(err); e == nil || e.Code != store.InvalidChannel || e.Field != "pattern" || e.Detail == "" {
			t.Errorf("%q: %v", text, e)
		}
	}
}

func parsePattern(t testing.TB, text string) store.ChannelPattern {
	t.Helper()
	p, err := store.ParseChannelPattern(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return p
}

func TestChannelPatternMatch(t *testing.T) {
	for _, c := range []struct {
		pattern   string
		yes, noes []string
	}{
		{"a", []string{"a"}, []string{"b", "aa", "A", "á"}},
		{"*", []string{"a", "abc", "🙂", "*", "?", `\`}, nil},
		{"?", []string{"a", "é", "🙂", "*"}, []string{"ab", "e\u0301"}},
		{"??", []string{"ab", "🙂é"}, []string{"a", "abc"}},
		{"a*", []string{"a", "ab", "a*"}, []string{"ba"}},
		{"*a", []string{"a", "ba"}, []string{"ab"}},
		{"a*a", []string{"aa", "aba"}, []string{"a", "ab"}},
		{"a?*", []string{"ab", "aé", "abc"}, []string{"a"}},
		{"a*?", []string{"ab", "abc"}, []string{"a"}},
		{"a*b*c", []string{"abc", "axbxc", "abbcc", "abcbc"}, []string{"acb", "ac", "bc"}},
		{"*b?d*", []string{"bcd", "abbcde", "bbxd"}, []string{"bd", "bcc"}},
		{"*ab*ab*", []string{"abab", "xabyabz"}, []string{"ab", "aba"}},
		{`\*`, []string{"*"}, []string{"a", `\*`}},
		{`\?`, []string{"?"}, []string{"a"}},
		{`\\`, []string{`\`}, []string{`\\`}},
		{`\\*`, []string{`\`, `\a`}, []string{"a"}},
		{`\a\b`, []string{"ab"}, []string{`\a\b`}},
		{"[a]", []string{"[a]"}, []string{"a"}},
		{"[a-c]*", []string{"[a-c]x"}, []string{"ax", "b"}},
		{"a^{b}*", []string{"a^{b}"}, []string{"a"}},
	} {
		p := parsePattern(t, c.pattern)
		for _, channel := range c.yes {
			if !p.Match(channel) {
				t.Errorf("%q does not match %q", c.pattern, channel)
			}
		}
		for _, channel := range c.noes {
			if p.Match(channel) {
				t.Errorf("%q matches %q", c.pattern, channel)
			}
		}
	}
}

func TestChannelPatternForm(t *testing.T) {
	for _, c := range []struct{ pattern, form, channel, prefix, suffix string }{
		{pattern: "a", form: "a", channel: "a"},
		{pattern: `\a\*\?\\`, form: `a\*\?\\`, channel: `a*?\`},
		{pattern: "**", form: "*"},
		{pattern: "a**b", form: "a*b", prefix: "a", suffix: "b"},
		{pattern: "a*?*?b", form: "a??*b", prefix: "a", suffix: "b"},
		{pattern: "*?", form: "?*"},
		{pattern: `a\*?c`, form: `a\*?c`, prefix: "a*", suffix: "c"},
		{pattern: "ab?cd*ef?gh", form: "ab?cd*ef?gh", prefix: "ab", suffix: "gh"},
		{pattern: "?", form: "?"},
	} {
		p := parsePattern(t, c.pattern)
		if p.String() != c.form {
			t.Errorf("%q is %q, want %q", c.pattern, p, c.form)
		}
		channel, one := p.Channel()
		if one != (c.channel != "") || channel != c.channel {
			t.Errorf("%q is the channel %q (%v), want %q", c.pattern, channel, one, c.channel)
		}
		if prefix, suffix := p.Ends(); !one && (prefix != c.prefix || suffix != c.suffix) {
			t.Errorf("%q has the ends %q and %q, want %q and %q", c.pattern, prefix, suffix, c.prefix, c.suffix)
		}
	}
}

// FuzzChannelPattern holds patterns to regular expressions of the same meaning.
func FuzzChannelPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"a", "a"}, {"a*b?c", "axxbéc"}, {`\*\?\\`, `*?\`}, {"*?*", "🙂"}, {"*ab*a?b*", "xabaab"}, {`a\`, "a"}, {"?", "\xff"}, {"[a]*", "[a]"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, channel string) {
		p, err := store.ParseChannelPattern(pattern)
		expr, valid := patternExpr(pattern)
		if (err == nil) != valid {
			t.Fatalf("%q: %v", pattern, err)
		}
		if err != nil {
			return
		}
		if store.ValidateChannel(channel) != nil {
			return
		}
		matches := p.Match(channel)
		if want := expr.MatchString(channel); matches != want {
			t.Fatalf("%q matches %q: %v, want %v", pattern, channel, matches, want)
		}
		again := parsePattern(t, p.String())
		if again.String() != p.String() || again.Match(channel) != matches {
			t.Fatalf("%q has the form %q, which is another pattern", pattern, p)
		}
		if one, ok := p.Channel(); ok && matches != (one == channel) {
			t.Fatalf("%q is the channel %q, and matches %q: %v", pattern, one, channel, matches)
		} else if prefix, suffix := p.Ends(); !ok && matches &&
			(len(channel) < len(prefix)+len(suffix) || !strings.HasPrefix(channel, prefix) || !strings.HasSuffix(channel, suffix)) {
			t.Fatalf("%q has the ends %q and %q, and matches %q", pattern, prefix, suffix, channel)
		}
	})
}

// patternExpr says the rules in another way, and writes a pattern that keeps
// them as a regular expression.
func patternExpr(pattern string) (expr *regexp.Regexp, valid bool) {
	var b, literal strings.Builder
	escaped, wild := false, false
	for _, r := range pattern {
		switch {
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped && r == '*':
			b.WriteString(".*")
			wild = true
		case !escaped && r == '?':
			b.WriteString(".")
			wild = true
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
			literal.WriteRune(r)
		}
		escaped = false
	}
	valid = pattern != "" && len(pattern) <= store.MaxPatternBytes && utf8.ValidString(pattern) && strings.IndexFunc(pattern, unicode.IsControl) < 0 &&
		!escaped && (wild || store.ValidateChannel(literal.String()) == nil)
	return regexp.MustCompile(`(?s)\A` + b.String() + `\z`), valid
}
