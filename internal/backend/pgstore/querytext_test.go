package pgstore

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"larder/internal/value"
)

// hostile are texts that would end a literal, an array or a statement, were they
// not written with care.
var hostile = []string{
	"", "'", "''", `\`, `\'`, `'; drop table storage_entries; --`, "$1", "{", "}", `"`, `\"`, `,`, "NULL", "null", `{"a","b"}`, "é", "🙂", "\u00a0", "\x01", "\n", "%", "_", "E'", `\x41`, `\u0041`, "/*", "--",
}

func hostileText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(hostile), rapid.String()), 0, 4).Draw(t, "parts")
		return strings.ReplaceAll(strings.Join(parts, ""), "\x00", "")
	})
}

// TestTextsArriveAsTheyAre has PostgreSQL read back what was written into a
// statement, whether backslashes mean something in its plain strings or not.
func TestTextsArriveAsTheyAre(t *testing.T) {
	s := open(t)
	for _, setting := range []string{"on", "off"} {
		conn := s.session()
		if _, err := conn.Exec(t.Context(), "set standard_conforming_strings = "+setting); err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			texts := rapid.SliceOfN(hostileText(), 1, 4).Draw(t, "texts")
			var q queryText
			var first, written string
			var all []string
			sql := "select " + q.text(texts[0]) + ", " + literal(texts[0]) + ", " + q.array(texts, "text")
			if err := conn.QueryRow(s.t.Context(), sql, q.args...).Scan(&first, &written, &all); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			if first != texts[0] || written != texts[0] || strings.Join(all, "\x00") != strings.Join(texts, "\x00") {
				t.Errorf("got %q, %q, %q of %q", first, written, all, texts)
			}
		})
	}
}

func TestTimesArriveAsTheyAre(t *testing.T) {
	s := open(t)
	for _, text := range []string{"0000-01-01T00:00:00Z", "0000-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "1999-02-28T23:00:00.000001Z", "2024-02-29T00:00:00Z", "9999-12-31T23:59:59.999999Z"} {
		at, exact, ok := value.ParseTime(text)
		if !exact || !ok {
			t.Fatalf("%s is no time", text)
		}
		var q queryText
		sql := "select " + q.time(at)
		err := s.query(t.Context(), sql, q.args, func(rows pgx.Rows) error {
			if got := timeOf(rows.RawValues()[0]); !got.Equal(at) {
				t.Errorf("got %v of %s", got, text)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestPointersLeadToTheSame holds jsonAt to what a pointer means, with tokens
// that PostgreSQL takes for something else.
func TestPointersLeadToTheSame(t *testing.T) {
	s := open(t)
	tokens := []string{"", "0", "1", "00", "01", "-0", "-1", "+1", " 1", "1 ", "1e0", "2147483648", "99999999999999999999", "a", "~", "/", "é", "-"}
	node := func(inner string) string {
		members := make([]string, len(tokens))
		for i, token := range tokens {
			members[i] = string(value.AppendString(nil, token)) + ":" + inner
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	for _, text := range []string{node("1"), `[10,20,30]`, node(`["x",{"0":1,"-1":2}]`), `[` + node("1") + `,[1,2],"s"]`, `"s"`, `7`, `null`, `{}`} {
		document := value.MustParse(text)
		for _, a := range tokens {
			for _, b := range append(tokens, "none") {
				p := value.Pointer{a, b}
				if b == "none" {
					p = p[:1]
				}
				want, found := p.Lookup(document.Data)
				at := jsonAt("v", p)
				err := s.query(t.Context(), "select "+at+", "+textAt("v", p)+" from (select $1::text::jsonb as v) v", []any{text}, func(rows pgx.Rows) error {
					raw := rows.RawValues()
					got, err := valueOf(raw[0], nil)
					if err != nil || string(got.Data) != string(want) || found != (raw[0] != nil) {
						t.Errorf("%s of %s: got %s, %v; want %s", p, text, got.Data, err, want)
					}
					if value.KindOf(want) == value.String && string(raw[1]) != stringOf(want) {
						t.Errorf("%s of %s: the text is %q", p, text, raw[1])
					}
					return nil
				})
				if err != nil {
					t.Fatalf("%s: %v", at, err)
				}
			}
		}
	}
}

func TestRunesEnd(t *testing.T) {
	for prefix, want := range map[string]string{
		"": "", "a": "b", "az": "a{", "\u007f": "\u0080", "\ud7ff": "\ue000", "é": "ê", "a\U0010ffff": "b", "\U0010ffff": "", "\uffff": "\U00010000",
	} {
		if got := runesEnd(prefix); got != want {
			t.Errorf("%q: got %q, want %q", prefix, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		prefix, other := rapid.String().Draw(t, "prefix"), rapid.String().Draw(t, "other")
		end := runesEnd(prefix)
		within := other >= prefix && (end == "" || other < end)
		if strings.HasPrefix(other, prefix) != within || !strings.HasPrefix(prefix+other, prefix) || end != "" && prefix+other >= end {
			t.Errorf("%q ends at %q, %q", prefix, end, other)
		}
	})
}

func TestFirstRunes(t *testing.T) {
	for _, s := range []string{"", "a", "é🙂é", strings.Repeat("🙂", 10)} {
		for n := range 12 {
			runes := []rune(s)
			if got, want := firstRunes(s, n), string(runes[:min(n, len(runes))]); got != want {
				t.Errorf("%d of %q: got %q, want %q", n, s, got, want)
			}
		}
	}
}
