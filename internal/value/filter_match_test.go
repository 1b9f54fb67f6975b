package value

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// entry is a Doc with a value, and else always the same fields.
type entry struct{ value []byte }

func (e entry) Field(path FieldPath) ([]byte, bool) {
	switch path.Field {
	case FieldKey:
		return []byte(`"k1"`), true
	case FieldVersion:
		return []byte("7"), true
	case FieldCreatedAt:
		return AppendTime(nil, time.Date(2024, 2, 29, 12, 0, 0, 500_000_999, time.UTC)), true
	case FieldUpdatedAt:
		return AppendTime(nil, time.Date(2024, 3, 1, 1, 0, 0, 0, time.FixedZone("", 3600))), true
	case FieldExpiresAt:
		return []byte("null"), true
	case FieldMetadata:
		if path.Name == "tier" {
			return []byte(`"gold"`), true
		}
		return []byte("ignored"), false
	default:
		return path.Pointer.Lookup(e.value)
	}
}

func TestFilterVectors(t *testing.T) {
	type vector struct {
		Short        string
		Filter       json.RawMessage
		Matches, Not []json.RawMessage
	}
	for _, c := range vectors[vector](t, "filters.json") {
		filter, err := ParseFilter(c.Filter, Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.Filter, err)
			continue
		}
		checkMatches(t, string(c.Filter), filter, c.Matches, true)
		checkMatches(t, string(c.Filter), filter, c.Not, false)
		if c.Short == "" {
			continue
		}
		if filter, err = ParseShort(c.Short); err != nil {
			t.Errorf("%s: %v", c.Short, err)
			continue
		}
		checkMatches(t, c.Short, filter, c.Matches, true)
		checkMatches(t, c.Short, filter, c.Not, false)
	}
}

func checkMatches(t *testing.T, name string, f Filter, docs []json.RawMessage, want bool) {
	t.Helper()
	m, err := Compile(f)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, doc := range docs {
		if got := m.Match(entry{canonical(t, doc)}); got != want {
			t.Errorf("%s: on %s it is %v", name, doc, got)
		}
	}
}

func TestNoFilterMatchesAll(t *testing.T) {
	m, err := Compile(Filter{})
	if err != nil || !m.Match(entry{[]byte("1")}) || !(Matcher{}).Match(entry{nil}) {
		t.Error(err)
	}
}

// Opaque bytes have no value to look into.
func TestMatchWithoutValue(t *testing.T) {
	for short, want := range map[string]bool{":exists": false, "/a:ne:1": true, ":eq:null": false, "$key:exists": true} {
		f, err := ParseShort(short)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Compile(f)
		if err != nil || m.Match(entry{nil}) != want {
			t.Errorf("%s: %v", short, err)
		}
	}
}

// Every operator against random values, with the model's order for a reference.
func TestComparisonsAreTheModels(t *testing.T) {
	sameType := func(a, b any) bool {
		_, boolA := a.(bool)
		_, boolB := b.(bool)
		return boolA && boolB || !boolA && !boolB && modelRank(a) == modelRank(b)
	}
	holds := map[string]func(field, operand any) bool{
		OpEq:  func(a, b any) bool { return modelCompare(a, b) == 0 },
		OpGt:  func(a, b any) bool { return sameType(a, b) && modelCompare(a, b) > 0 },
		OpGte: func(a, b any) bool { return sameType(a, b) && modelCompare(a, b) >= 0 },
		OpLt:  func(a, b any) bool { return sameType(a, b) && modelCompare(a, b) < 0 },
		OpLte: func(a, b any) bool { return sameType(a, b) && modelCompare(a, b) <= 0 },
	}
	rapid.Check(t, func(t *rapid.T) {
		field, operand := randomValue(t, 1), randomValue(t, 1)
		if rapid.Bool().Draw(t, "same") {
			operand = field
		}
		for op, want := range holds {
			m, err := Compile(Filter{Path: "/x", Op: op, Value: []byte(modelText(operand))})
			if err != nil {
				if rank := modelRank(operand); op == OpEq || rank >= 2 && rank <= 5 {
					t.Fatalf("%s %s: %v", op, modelText(operand), err)
				}
				continue
			}
			doc := entry{[]byte(modelText(map[string]any{"x": field}))}
			if got := m.Match(doc); got != want(field, operand) {
				t.Fatalf("%s %s %s: %v", modelText(field), op, modelText(operand), got)
			}
			if m.Match(entry{[]byte("{}")}) {
				t.Fatalf("missing %s %s holds", op, modelText(operand))
			}
		}
	})
}

func TestNegativeOperatorsNegate(t *testing.T) {
	for positive, negative := range map[string]string{OpEq: OpNe, OpIn: OpNin, OpLike: OpNotLike, OpIsNull: OpIsNotNull} {
		rapid.Check(t, func(t *rapid.T) {
			var operand any
			switch positive {
			case OpLike:
				operand = rapid.StringMatching(`[ab%_]{0,5}`).Draw(t, "pattern")
			case OpIn:
				operand = []any{randomValue(t, 1), randomValue(t, 1)}
			default:
				operand = randomValue(t, 1)
			}
			text := []byte(modelText(operand))
			if positive == OpIsNull {
				text = nil
			}
			yes, err := Compile(Filter{Path: "/a", Op: positive, Value: text})
			if err != nil {
				t.Fatal(err)
			}
			no, err := Compile(Filter{Path: "/a", Op: negative, Value: text})
			if err != nil {
				t.Fatal(err)
			}
			doc := entry{[]byte(modelText(randomValue(t, 2)))}
			if yes.Match(doc) == no.Match(doc) {
				t.Fatalf("%s and %s of %s agree on %s", positive, negative, text, doc.value)
			}
		})
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	f, err := ParseFilter([]byte(`{"and":[{"path":"/a","op":"gte","value":1.5},{"path":"/b","op":"in","value":["x","y"]},
		{"path":"/b","op":"like","value":"%y%"},{"path":"/c","op":"contains","value":"z"},{"path":"/d","op":"ne","value":{}}]}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Compile(f)
	if err != nil {
		t.Fatal(err)
	}
	var d Doc = entry{[]byte(`{"a":2,"b":"y","c":["x","z"],"d":[]}`)}
	if !m.Match(d) {
		t.Fatal("no match")
	}
	if n := testing.AllocsPerRun(100, func() { m.Match(d) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
