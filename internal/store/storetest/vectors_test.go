package storetest

import (
	"slices"
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

// TestPatchVectors holds the file to what makes it worth running.
func TestPatchVectors(t *testing.T) {
	names := make(map[string]bool)
	for _, v := range PatchVectors() {
		name := v.Type + " " + v.Name
		if names[name] {
			t.Errorf("%q is there twice", name)
		}
		names[name] = true
		if v.Type != "merge" && v.Type != "json" {
			t.Errorf("%q is of type %q", name, v.Type)
		}
		if (v.Code == "") == (v.Want == nil) {
			t.Errorf("%q has neither an answer nor an error, or both", name)
		}
		if v.Code != "" && store.Code(v.Code).Fault() != store.CallersFault {
			t.Errorf("%q fails with %q", name, v.Code)
		}
	}
	if len(names) < 70 {
		t.Errorf("there are %d vectors only", len(names))
	}
}

func TestQueryVectors(t *testing.T) {
	vectors := QueryCases()
	seen, operators := make(map[string]bool), make(map[string]bool)
	for _, v := range vectors.Queries {
		name := v.On + ": " + v.Name
		if seen[name] {
			t.Errorf("%q is there twice", name)
		}
		seen[name] = true
		if _, known := vectors.Sets[v.On]; !known {
			t.Errorf("%q is about a set that is not there", name)
		}
		q, err := v.Query()
		if (v.Code == "") != (v.Keys != nil) || v.Code == "" && err != nil {
			t.Errorf("%q has neither an answer nor an error, or both: %v", name, err)
		}
		if v.Values != nil && len(v.Values) != len(v.Keys) {
			t.Errorf("%q has %d keys and %d values", name, len(v.Keys), len(v.Values))
		}
		for _, key := range v.Keys {
			if !slices.ContainsFunc(vectors.Sets[v.On], func(d Document) bool { return d.Key == key }) {
				t.Errorf("%q finds %q, which is not there", name, key)
			}
		}
		if v.Code == "" && len(v.Keys) > 0 {
			eachComparison(q.Filter, func(f value.Filter) value.Filter {
				operators[f.Op] = true
				return f
			})
		}
	}
	for _, op := range []string{
		value.OpEq, value.OpNe, value.OpGt, value.OpGte, value.OpLt, value.OpLte, value.OpIn, value.OpNin, value.OpLike, value.OpNotLike,
		value.OpIsNull, value.OpIsNotNull, value.OpExists, value.OpPrefix, value.OpContains,
	} {
		if !operators[op] {
			t.Errorf("no vector finds anything by %s", op)
		}
	}
}

func TestWithout(t *testing.T) {
	all := store.Info{Capabilities: []store.Capability{store.CanSearch, store.CanIndex, store.CanMaintain}}
	h := Harness{Without: []Topic{Install, Queries}}
	for topic, want := range map[Topic]bool{Install: true, Queries: true, Indexes: false, Horizons: false, reopening: true, clock: true, maintenance: false} {
		if h.lacks(topic, all) != want {
			t.Errorf("%s is left out: %v", topic, !want)
		}
	}
	for _, topic := range []Topic{Queries, Indexes, maintenance} {
		if !(Harness{}).lacks(topic, store.Info{}) {
			t.Errorf("%s is not left out where the store does not offer it", topic)
		}
	}
}
