package httpapi

import (
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

func TestCursorsKnowTheirList(t *testing.T) {
	lists := []listArguments{
		{"listKeys", "t"}, {"listKeys", "t", ""}, {"listKeys", "", "t"}, {"listKeyst"}, {"listKeys", "u"}, {"listChanges", "t"}, {},
	}
	for i, list := range lists {
		cursor := list.encode("position")
		for j, other := range lists {
			position, err := other.decode("cursor", cursor)
			if i == j && (err != nil || position != "position") {
				t.Errorf("%q does not know its own cursor: %q, %v", list, position, err)
			}
			if i != j && store.CodeOf(err) != store.InvalidCursor {
				t.Errorf("%q takes the cursor of %q: %q, %v", other, list, position, err)
			}
		}
	}
}

func FuzzCursor(f *testing.F) {
	list := listArguments{"listKeys", "t", "prefix"}
	f.Add("", "")
	f.Add("k", list.encode("k"))
	f.Add(`{"s":["1",""],"k":"ada"}`, list.encode(`{"s":["1",""],"k":"ada"}`))
	f.Add(`{"k":`, "AYF0YQ")
	f.Add("\x00\xff", "====")
	f.Fuzz(func(t *testing.T, position, cursor string) {
		if position != "" {
			back, err := list.decode("cursor", list.encode(position))
			if err != nil || back != position {
				t.Errorf("%q came back as %q, %v", position, back, err)
			}
		}
		forged, err := list.decode("cursor", cursor)
		if err == nil && forged != "" && list.encode(forged) != cursor {
			t.Errorf("%q and %q are the same place", cursor, list.encode(forged))
		}
		if code := store.CodeOf(err); code != "" && code != store.InvalidCursor {
			t.Errorf("%q: %v", cursor, err)
		}
		checkPosition(t, position)
	})
}

// checkPosition makes sure that a position is refused or can be said again.
func checkPosition(t *testing.T, text string) {
	t.Helper()
	p, err := parsePosition(text)
	if code := store.CodeOf(err); code != "" && code != store.InvalidCursor {
		t.Errorf("%q: %v", text, err)
	}
	if err != nil || p == nil {
		return
	}
	again, err := parsePosition(formatPosition(p))
	if err != nil || again.Key != p.Key || len(again.Sort) != len(p.Sort) {
		t.Errorf("%q came back as %+v, %v", text, again, err)
		return
	}
	for i := range p.Sort {
		if value.Compare(again.Sort[i].Data, p.Sort[i].Data) != 0 {
			t.Errorf("%q came back as %+v", text, again)
		}
	}
}
