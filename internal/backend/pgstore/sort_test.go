package pgstore

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"larder/internal/value"
)

// nested makes values that differ late, and some that begin others.
func nested(depth int) *rapid.Generator[string] {
	scalar := rapid.SampledFrom([]string{
		"null", "false", "true", "0", "1", "-1", "1.5", "-1.5", "10", "-10", "1e300", "-1e300", "1e-300", "5e-324", "0.001", "0.0012", "-0.001", "9007199254740993", "9007199254740992", "100", "12", "120",
		`""`, `"a"`, `"ab"`, `"é"`, `"\u0001"`, `"\\"`, "[]", "{}",
	})
	if depth == 0 {
		return scalar
	}
	inner := rapid.Deferred(func() *rapid.Generator[string] { return nested(depth - 1) })
	array := rapid.Map(rapid.SliceOfN(inner, 0, 3), func(elements []string) string { return "[" + strings.Join(elements, ",") + "]" })
	object := rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"", "a", "ab", "b", "é", "\x01"}), inner, 0, 3), func(members map[string]string) string {
		var texts []string
		for name, member := range members {
			texts = append(texts, string(value.AppendString(nil, name))+":"+member)
		}
		return "{" + strings.Join(texts, ",") + "}"
	})
	return rapid.OneOf(scalar, array, object)
}

// orderedBytes gives what PostgreSQL sorts values by.
func (f *fixture) orderedBytes(texts []string) [][]byte {
	f.t.Helper()
	var all [][]byte
	err := f.query(f.t.Context(), "select "+f.sql.ordered+"(t::jsonb) from unnest($1::text[]) with ordinality as t (t, n) order by n", []any{texts}, func(rows pgx.Rows) error {
		all = append(all, bytes.Clone(rows.RawValues()[0]))
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// TestOrderOfWhatIsNested holds the database's function to larder's order.
func TestOrderOfWhatIsNested(t *testing.T) {
	s := open(t)
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(nested(3), 2, 12).Draw(t, "values")
		for i := range texts {
			texts[i] = string(value.MustParse(texts[i]).Data)
		}
		encoded := s.orderedBytes(texts)
		for i, a := range texts {
			for j, b := range texts {
				if got, want := bytes.Compare(encoded[i], encoded[j]), value.Compare([]byte(a), []byte(b)); sign(got) != sign(want) {
					t.Fatalf("%s and %s: %d, want %d", a, b, got, want)
				}
			}
		}
	})
}

func sign(n int) int { return min(max(n, -1), 1) }

// TestOrderOfWhatIsLarge has values as deep and as long as may be.
func TestOrderOfWhatIsLarge(t *testing.T) {
	s := open(t)
	deep := func(inner string) string { return strings.Repeat(`{"a":[`, 500) + inner + strings.Repeat("]}", 500) }
	long := "[" + strings.Repeat("1,", 100_000) + "%s]"
	encoded := s.orderedBytes([]string{deep("1"), deep("2"), fmt.Sprintf(long, "1"), fmt.Sprintf(long, "2")})
	if bytes.Compare(encoded[0], encoded[1]) >= 0 || bytes.Compare(encoded[2], encoded[3]) >= 0 {
		t.Error("they are not in order")
	}
}
