package storetest

import (
	"fmt"
	"strings"

	"larder/internal/store"
)

func patchTests() []test {
	return []test{
		{name: "the vectors of both RFCs and more", run: patchVectors},
		{name: "what grows too large is refused", run: patchGrowsTooLarge},
		{name: "what nests too deep is refused", run: patchNestsTooDeep},
		{name: "an operation that is no patch is refused", run: noPatch},
		{name: "patches of many clients are all applied", run: concurrentPatches},
	}
}

func patchVectors(x *subject) {
	for i, v := range PatchVectors() {
		key := fmt.Sprintf("%03d %s", i, v.Name)
		switch {
		case v.Bytes != nil:
			x.do(putValue(key, opaque([]byte(*v.Bytes))))
		case v.Doc != nil:
			x.do(put(key, string(v.Doc)))
		}
		op := merge(key, string(v.Patch))
		if v.Type == "json" {
			op.PatchType = store.JSONPatch
		}
		if v.Code != "" {
			if err := x.refuseOne(store.Code(v.Code), op); err.Precondition {
				x.Fatalf("%q failed as if it had a precondition: %v", key, err)
			}
			continue
		}
		want := doc(string(v.Want))
		for _, e := range []store.Entry{x.do(op), x.present(key)} {
			if !e.Value.Equal(want) || e.Version != 2 {
				x.Fatalf("%q: there is %s, want %s", key, show(e), want.Data)
			}
		}
	}
}

func patchGrowsTooLarge(x *subject) {
	half := strings.Repeat("x", x.limits.MaxValueBytes/2)
	x.do(put("k", `{"a":"`+half+`"}`))
	x.refuseOne(store.TooLarge, merge("k", `{"b":"`+half+`"}`))
	x.refuseOne(store.TooLarge, jsonPatch("k", `[{"op":"copy","from":"/a","path":"/b"}]`))
	x.refuseOne(store.TooLarge, jsonPatch("k", `[{"op":"copy","from":"","path":"/b"},{"op":"remove","path":"/b"}]`))
	x.do(merge("k", `{"a":"small"}`))

	// A few bytes of patch that would make more than any machine has.
	bomb := make([]string, 60)
	for i := range bomb {
		bomb[i] = `{"op":"copy","from":"","path":"/` + number(i) + `"}`
	}
	x.refuseOne(store.TooLarge, jsonPatch("k", "["+strings.Join(bomb, ",")+"]"))
}

func patchNestsTooDeep(x *subject) {
	deepest := strings.Repeat("[", x.limits.MaxDepth-1) + strings.Repeat("]", x.limits.MaxDepth-1)
	x.do(put("k", `{"a":`+deepest+`}`))
	x.refuseOne(store.PatchConflict, jsonPatch("k", `[{"op":"add","path":"/b","value":[]},{"op":"move","from":"/a","path":"/b/-"}]`))
	x.refuseOne(store.PatchConflict, jsonPatch("k", `[{"op":"copy","from":"","path":"/b"},{"op":"remove","path":"/b"}]`))
	x.do(merge("k", `{"b":`+deepest+`}`))
}

func noPatch(x *subject) {
	x.do(put("k", `{"a":1}`))
	x.refuseOne(store.InvalidPatch, store.Op{Kind: store.Patch, Ref: ref("k"), PatchType: store.MergePatch})
	untyped := merge("k", `{}`)
	untyped.PatchType = 0
	x.refuseOne(store.InvalidPatch, untyped)
}

func concurrentPatches(x *subject) {
	const clients, rounds = 6, 8
	x.apply(put("merged", `{}`), put("listed", `[]`))
	together(clients, func(c int) {
		for round := range rounds {
			for _, op := range []store.Op{
				merge("merged", fmt.Sprintf(`{"%d-%d":%d}`, c, round, round)),
				jsonPatch("listed", fmt.Sprintf(`[{"op":"add","path":"/-","value":"%d-%d"}]`, c, round)),
			} {
				if _, err := x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
					x.Errorf("client %d: %v", c, err)
				}
			}
		}
	})
	merged, listed := x.present("merged"), x.present("listed")
	if n := strings.Count(string(merged.Value.Data), ":"); n != clients*rounds || merged.Version != clients*rounds+1 {
		x.Errorf("%d members came of %d patches, at version %d", n, clients*rounds, merged.Version)
	}
	for c := range clients {
		last := -1
		for round := range rounds {
			at := strings.Index(string(listed.Value.Data), fmt.Sprintf(`"%d-%d"`, c, round))
			if at <= last {
				x.Errorf("client %d's patch %d is at %d, the one before it at %d", c, round, at, last)
			}
			last = at
		}
	}
}
