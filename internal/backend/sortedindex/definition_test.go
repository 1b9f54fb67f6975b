package sortedindex

import (
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

// TestDefinitionsAreKept in a form that does not change, since files have it.
func TestDefinitionsAreKept(t *testing.T) {
	for text, x := range map[string]Index{
		`{"table":"t","name":"x","fields":[{"path":"/a~1b/0","type":"string"},{"path":"/c","type":"number"}]}`: {
			Table: "t", Def: store.Index{Name: "x", Fields: []store.IndexField{{Path: value.Pointer{"a/b", "0"}, Type: store.StringField}, field("c", store.NumberField)}},
		},
		`{"table":"t","name":"y","unique":true,"fields":[{"path":"/a","type":"boolean"}]}`: {
			Table: "t", Def: store.Index{Name: "y", Unique: true, Fields: []store.IndexField{field("a", store.BooleanField)}},
		},
	} {
		got, err := x.Encode()
		if err != nil || string(got) != text {
			t.Errorf("got %s, %v; want %s", got, err, text)
		}
		back, err := Decode([]byte(text))
		if err != nil || back.Table != x.Table || !back.Def.SameDefinition(x.Def) {
			t.Errorf("%s: got %+v, %v; want %+v", text, back, err, x)
		}
	}
}

func TestDecodeRefusesWhatIsDamaged(t *testing.T) {
	for _, text := range []string{``, `{"table":"t"`, `{"table":1}`, `{"table":"t","name":"x","fields":[{"path":"a","type":"string"}]}`} {
		if x, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s: got %+v, want an error", text, x)
		}
	}
}
