package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMergePatchVectors(t *testing.T) {
	type vector struct {
		Name                  string
		Target, Patch, Result json.RawMessage
	}
	for _, c := range vectors[vector](t, "merge_patch.json") {
		target, patch, want := canonical(t, c.Target), canonical(t, c.Patch), canonical(t, c.Result)
		got, err := MergePatch(target, patch, Limits{})
		if err != nil || !bytes.Equal(got.Data, want) {
			t.Errorf("%s: %s, %v, want %s", c.Name, got.Data, err, want)
		}
	}
}

// modelMerge is the pseudo-code of RFC 7396, section 2. A missing target is nil.
func modelMerge(target, patch any) any {
	object, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	result := map[string]any{}
	if old, ok := target.(map[string]any); ok {
		maps.Copy(result, old)
	}
	for name, v := range object {
		if v == nil {
			delete(result, name)
		} else {
			result[name] = modelMerge(result[name], v)
		}
	}
	return result
}

func TestMergePatchIsTheModels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := randomValue(t, 4), randomValue(t, 4)
		target, patch := []byte(modelText(x)), []byte(modelText(y))
		got, err := MergePatch(target, patch, Limits{})
		if want := modelText(modelMerge(x, y)); err != nil || string(got.Data) != want {
			t.Fatalf("%s merged into %s: %s, %v, want %s", patch, target, got.Data, err, want)
		}
		again, err := MergePatch(got.Data, patch, Limits{})
		if err != nil || !again.Equal(got) {
			t.Fatalf("%s merged into %s twice: %s, then %s, %v", patch, target, got.Data, again.Data, err)
		}
		if absent, err := MergePatch(nil, patch, Limits{}); err != nil || string(absent.Data) != modelText(modelMerge(nil, y)) {
			t.Fatalf("%s merged into nothing: %s, %v", patch, absent.Data, err)
		}
	})
}

func TestMergePatchLimits(t *testing.T) {
	target, patch := []byte(`{"a":"12345"}`), []byte(`{"b":"12345"}`)
	if _, err := MergePatch(target, patch, Limits{MaxBytes: 25}); err != nil {
		t.Error(err)
	}
	_, err := MergePatch(target, patch, Limits{MaxBytes: 24})
	if tooLarge, ok := errors.AsType[*TooLargeError](err); !ok || tooLarge.Size != 25 || tooLarge.Max != 24 {
		t.Error(err)
	}
	_, err = MergePatch(target, []byte(`{"a":{"b":[]}}`), Limits{MaxDepth: 2})
	if refused, ok := errors.AsType[*PatchError](err); !ok || refused.Malformed || refused.Test {
		t.Error(err)
	}
}

// Many names, and long ones, on either side.
func TestMergePatchHostileInputIsLinear(t *testing.T) {
	var many strings.Builder
	for i := range 80_000 {
		fmt.Fprintf(&many, `"%05d":0,`, i)
	}
	objects := [][]byte{
		[]byte("{" + many.String() + `"x":0}`),
		[]byte(`{"` + strings.Repeat("y", 900_000) + `":0,"z":0}`),
		[]byte(`{"a":"` + strings.Repeat(`\"`, 500_000) + `"}`),
		[]byte(strings.Repeat(`{"00001":`, 120) + "{" + many.String() + `"x":0}` + strings.Repeat("}", 120)),
	}
	for i, target := range objects {
		for j, patch := range objects {
			start := time.Now()
			if _, err := MergePatch(target, patch, Limits{MaxBytes: 1 << 30}); err != nil {
				t.Error(err)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("%d into %d took %v", j, i, d)
			}
		}
	}
}
