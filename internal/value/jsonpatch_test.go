package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestJSONPatchVectors(t *testing.T) {
	type vector struct {
		Name                  string
		Target, Patch, Result json.RawMessage
		Fails                 string
		Test, Malformed       bool
	}
	for _, c := range vectors[vector](t, "json_patch.json") {
		target, patch, want := canonical(t, c.Target), canonical(t, c.Patch), canonical(t, c.Result)
		got, err := JSONPatch(target, patch, Limits{})
		if want != nil {
			if err != nil || !bytes.Equal(got.Data, want) {
				t.Errorf("%s: %s, %v, want %s", c.Name, got.Data, err, want)
			}
			continue
		}
		refused, ok := errors.AsType[*PatchError](err)
		if !ok || refused.Pointer != c.Fails || refused.Test != c.Test || refused.Malformed != c.Malformed || refused.Detail == "" {
			t.Errorf("%s: %s, %+v, want it to fail at %q", c.Name, got.Data, err, c.Fails)
		}
		if !got.IsZero() {
			t.Errorf("%s: failed, and gave %s", c.Name, got.Data)
		}
	}
}

// RFC 6902, A.13: op twice. Such a patch is no I-JSON.
func TestJSONPatchWithOpTwice(t *testing.T) {
	_, err := Parse([]byte(`[{"op":"add","path":"/baz","value":"qux","op":"remove"}]`), Limits{})
	checkSyntaxError(t, err, "/0/op", 41)
}

func TestJSONPatchOfNothing(t *testing.T) {
	_, err := JSONPatch(nil, []byte(`[]`), Limits{})
	if refused, ok := errors.AsType[*PatchError](err); !ok || refused.Malformed {
		t.Error(err)
	}
}

func TestJSONPatchLimits(t *testing.T) {
	deeper := `{"op":"copy","from":"","path":"/a"}`
	repeat := func(ops string) []byte { return canonical(t, []byte("["+strings.Repeat(ops+",", 500)+deeper+"]")) }
	double := repeat(deeper + `,{"op":"copy","from":"","path":"/b"}`)
	_, err := JSONPatch([]byte(`{"a":{},"b":"`+strings.Repeat("x", 1000)+`"}`), double, Limits{MaxDepth: 1 << 20})
	if tooLarge, ok := errors.AsType[*TooLargeError](err); !ok || tooLarge.Size > 3*DefaultMaxBytes {
		t.Errorf("by size: %v", err)
	}
	_, err = JSONPatch([]byte(`{"a":{}}`), repeat(deeper), Limits{})
	if refused, ok := errors.AsType[*PatchError](err); !ok || refused.Pointer != "/126" || refused.Malformed {
		t.Errorf("by depth: %v", err)
	}
	back := []byte(`[{"op":"add","path":"/b","value":[1,2,3]},{"op":"remove","path":"/b"}]`)
	if _, err := JSONPatch([]byte(`{"a":1}`), back, Limits{MaxBytes: 10}); err == nil {
		t.Error("the size was not checked between operations")
	}
	if _, err := JSONPatch([]byte(`{"a":1}`), back, Limits{MaxBytes: 19, MaxDepth: 2}); err != nil {
		t.Error(err)
	}
}

// Each of these is some 30,000 operations on a value of about a MiB, and would take
// minutes if one cost as much as the value is large.
func TestJSONPatchHostileInputIsBounded(t *testing.T) {
	var members strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&members, `"%06d":%d,`, i, i%10)
	}
	ones := "[" + strings.Repeat("1,", 300_000) + "1]"
	object := "{" + members.String() + `"x":{}}`
	pad := `"` + strings.Repeat("x", 300_000) + `"`
	for name, c := range map[string]struct {
		target, ops string
		n           int
	}{
		"insert at the front":         {ones, `{"op":"add","path":"/0","value":2}`, 25_000},
		"insert in the middle":        {ones, `{"op":"add","path":"/150000","value":2}`, 25_000},
		"remove from the front":       {ones, `{"op":"remove","path":"/0"}`, 30_000},
		"rotate":                      {ones, `{"op":"move","from":"/0","path":"/299999"}`, 20_000},
		"members in turn":             {object, `{"op":"add","path":"/y","value":0},{"op":"remove","path":"/y"}`, 16_000},
		"test the last":               {object, `{"op":"test","path":"/x","value":{}}`, 25_000},
		"copy a large object, change": {`{"a":` + ones[:400_000] + `1]}`, `{"op":"copy","from":"/a","path":"/b"},{"op":"remove","path":"/b/7"},{"op":"remove","path":"/b"}`, 8_000},
		"move a large string":         {`{"a":` + pad + `,"c":{}}`, `{"op":"move","from":"/a","path":"/c/b"},{"op":"move","from":"/c/b","path":"/a"}`, 10_000},
		"test a large one, unequal":   {`{"a":[` + pad + `,1]}`, `{"op":"add","path":"/a/1","value":2},{"op":"remove","path":"/a/1"}`, 14_000},
		"large elements beside":       {`[` + strings.Repeat(`"`+strings.Repeat("y", 250)+`",`, 4_000) + `1]`, `{"op":"replace","path":"/4000","value":2}`, 20_000},
		"deep":                        {strings.Repeat(`{"a":`, 120) + object + strings.Repeat("}", 120), `{"op":"add","path":"` + strings.Repeat("/a", 120) + `/y","value":0}`, 3_500},
	} {
		patch := canonical(t, []byte("["+strings.TrimSuffix(strings.Repeat(c.ops+",", c.n), ",")+"]"))
		start := time.Now()
		if _, err := JSONPatch([]byte(c.target), patch, Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		d := time.Since(start)
		t.Logf("%-28s %6.0f ms", name, d.Seconds()*1000)
		if d > 10*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}

// The model of RFC 6902: plain copies of plain values.

var errModel = errors.New("does not apply")

func modelClone(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, each := range v {
			list[i] = modelClone(each)
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, each := range v {
			object[name] = modelClone(each)
		}
		return object
	default:
		return v
	}
}

func modelGet(doc any, p Pointer) (any, error) {
	for _, token := range p {
		switch v := doc.(type) {
		case map[string]any:
			child, ok := v[token]
			if !ok {
				return nil, errModel
			}
			doc = child
		case []any:
			i, err := modelIndex(token, len(v)-1)
			if err != nil {
				return nil, err
			}
			doc = v[i]
		default:
			return nil, errModel
		}
	}
	return doc, nil
}

func modelIndex(token string, most int) (int, error) {
	i, err := strconv.Atoi(token)
	if err != nil || strconv.Itoa(i) != token || i < 0 || i > most {
		return 0, errModel
	}
	return i, nil
}

// modelPut adds, or with replace replaces, in place, and gives the document.
func modelPut(doc any, p Pointer, value any, replace bool) (any, error) {
	if replace {
		if _, err := modelGet(doc, p); err != nil {
			return nil, err
		}
	}
	if len(p) == 0 {
		return value, nil
	}
	last := p[len(p)-1]
	parent, err := modelGet(doc, p[:len(p)-1])
	if err != nil {
		return nil, err
	}
	switch v := parent.(type) {
	case map[string]any:
		v[last] = value
		return doc, nil
	case []any:
		if last == "-" {
			last = strconv.Itoa(len(v))
		}
		i, err := modelIndex(last, len(v))
		if err != nil {
			return nil, err
		}
		if replace {
			v[i] = value
			return doc, nil
		}
		return modelPut(doc, p[:len(p)-1], slices.Insert(slices.Clone(v), i, value), true)
	default:
		return nil, errModel
	}
}

func modelRemove(doc any, p Pointer) (any, error) {
	if _, err := modelGet(doc, p); err != nil || len(p) == 0 {
		return nil, errModel
	}
	last := p[len(p)-1]
	parent, _ := modelGet(doc, p[:len(p)-1])
	if v, ok := parent.(map[string]any); ok {
		delete(v, last)
		return doc, nil
	}
	i, _ := strconv.Atoi(last)
	return modelPut(doc, p[:len(p)-1], slices.Delete(slices.Clone(parent.([]any)), i, i+1), true)
}

type modelOp struct {
	op         string
	path, from Pointer
	value      any
}

func (op modelOp) apply(doc any) (any, error) {
	switch op.op {
	case opAdd:
		return modelPut(doc, op.path, modelClone(op.value), false)
	case opReplace:
		return modelPut(doc, op.path, modelClone(op.value), true)
	case opRemove:
		return modelRemove(doc, op.path)
	case opTest:
		v, err := modelGet(doc, op.path)
		if err == nil && modelCompare(v, op.value) != 0 {
			err = errModel
		}
		return doc, err
	}
	v, err := modelGet(doc, op.from)
	if err != nil {
		return nil, err
	}
	v = modelClone(v)
	if op.op == opMove && len(op.from) > 0 {
		if doc, err = modelRemove(doc, op.from); err != nil {
			return nil, err
		}
	}
	return modelPut(doc, op.path, v, false)
}

func (op modelOp) String() string {
	object := map[string]any{"op": op.op, "path": op.path.String()}
	switch op.op {
	case opAdd, opReplace, opTest:
		object["value"] = op.value
	case opMove, opCopy:
		object["from"] = op.from.String()
	}
	return modelText(object)
}

// randomPointer mostly follows the document, and now and then leaves it.
func randomPointer(t *rapid.T, doc any) Pointer {
	p := Pointer{}
	for rapid.IntRange(0, 4).Draw(t, "deeper") > 0 {
		switch v := doc.(type) {
		case map[string]any:
			if len(v) == 0 || rapid.IntRange(0, 5).Draw(t, "astray") == 0 {
				return append(p, randomString(t))
			}
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(v))).Draw(t, "name")
			p, doc = append(p, name), v[name]
		case []any:
			if len(v) == 0 || rapid.IntRange(0, 5).Draw(t, "astray") == 0 {
				return append(p, rapid.SampledFrom([]string{"-", "0", "00", "x", strconv.Itoa(len(v)), strconv.Itoa(len(v) + 1)}).Draw(t, "index"))
			}
			i := rapid.IntRange(0, len(v)-1).Draw(t, "index")
			p, doc = append(p, strconv.Itoa(i)), v[i]
		default:
			return p
		}
	}
	return p
}

func TestJSONPatchIsTheModels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := randomDocument(t)
		target := []byte(modelText(doc))
		var patch []string
		var err error
		for range rapid.IntRange(1, 12).Draw(t, "operations") {
			op := modelOp{
				op:   rapid.SampledFrom([]string{opAdd, opAdd, opRemove, opReplace, opMove, opCopy, opTest}).Draw(t, "op"),
				path: randomPointer(t, doc), from: randomPointer(t, doc), value: randomValue(t, 2),
			}
			if v, lookupErr := modelGet(doc, op.path); op.op == opTest && lookupErr == nil && rapid.Bool().Draw(t, "equal") {
				op.value = modelClone(v)
			}
			if op.op == opMove && len(op.from) < len(op.path) && slices.Equal(op.from, op.path[:len(op.from)]) {
				continue // malformed
			}
			next, applyErr := op.apply(modelClone(doc))
			if applyErr != nil && rapid.Bool().Draw(t, "only what applies") {
				continue
			}
			patch = append(patch, op.String())
			if err = applyErr; err != nil {
				break
			}
			doc = next
		}
		text := "[" + strings.Join(patch, ",") + "]"
		got, gotErr := JSONPatch(slices.Clone(target), []byte(text), Limits{MaxBytes: 1 << 30, MaxDepth: 1 << 20})
		if (gotErr == nil) != (err == nil) {
			t.Fatalf("%s on %s: %v, the model says %v", text, target, gotErr, err)
		}
		if err == nil && string(got.Data) != modelText(doc) {
			t.Fatalf("%s on %s: %s, want %s", text, target, got.Data, modelText(doc))
		}
	})
}

// randomDocument draws small values, and ones with arrays and objects large enough to
// be kept in runs, with large elements in between.
func randomDocument(t *rapid.T) any {
	if rapid.Bool().Draw(t, "small document") {
		return randomValue(t, 4)
	}
	list, object := []any{}, map[string]any{}
	for i := range rapid.IntRange(0, 200).Draw(t, "length") {
		v := any(strconv.Itoa(i))
		if rapid.IntRange(0, 20).Draw(t, "large") == 0 {
			v = strings.Repeat("x", 300)
		}
		list = append(list, v)
		object["k"+strconv.Itoa(i)] = v
	}
	return map[string]any{"list": list, "object": object, "both": []any{list, object}}
}

// checkAgainstModel applies a patch that JSONPatch has applied.
func checkAgainstModel(t *testing.T, target, patch []byte, got Value) {
	t.Helper()
	ops, err := parseJSONPatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	doc := modelOf(t, target)
	for _, each := range ops {
		op := modelOp{op: each.op, path: each.path, from: each.from}
		if each.value != nil {
			op.value = modelOf(t, each.value)
		}
		if doc, err = op.apply(doc); err != nil {
			t.Fatalf("%s on %s: applied, but the model refuses %s", patch, target, op)
		}
	}
	if want := modelText(doc); string(got.Data) != want {
		t.Fatalf("%s on %s: %s, want %s", patch, target, got.Data, want)
	}
}
