package storetest

import (
	"fmt"
	"slices"

	"larder/internal/store"
)

// slotTests are for stores that keep their keys in slots, and belong to the
// topic of batches. The suite finds out which keys are together by asking.
func slotTests() []test {
	return []test{
		{name: "over several slots a batch is refused by name", needs: []Topic{slots}, run: batchOverSlots},
		{name: "over several slots a batch that makes no sense is refused for that", needs: []Topic{slots}, run: senselessOverSlots},
		{name: "within a slot a batch is all of it or none", needs: []Topic{slots}, run: batchWithinSlot},
		{name: "within a slot batches never interleave", needs: []Topic{slots}, run: batchesWithinSlot},
	}
}

// placed finds entries that are in one slot, and as many that are not in it:
// keys of one table, or else of two.
func (x *subject) placed(count int) (together, apart []store.Ref) {
	x.Helper()
	const tries = 5_000
	for i := 0; len(together) < count || len(apart) < count; i++ {
		if i == tries {
			x.Fatalf("of %d keys in two tables %d are together and %d apart", tries, len(together), len(apart))
		}
		for _, candidate := range []store.Ref{ref(number(i)), {Table: "others", Key: number(i)}} {
			if len(together) == 0 || x.slotted(together[0], candidate) {
				together = append(together, candidate)
			} else {
				apart = append(apart, candidate)
			}
		}
	}
	return together[:count], apart[:count]
}

// slotted says whether two entries are in one slot.
func (x *subject) slotted(a, b store.Ref) bool {
	x.Helper()
	_, err := x.s.Apply(x.Context(), store.Batch{DryRun: true, Ops: []store.Op{{Kind: store.Get, Ref: a}, {Kind: store.Get, Ref: b}}})
	if code := store.CodeOf(err); code != "" && code != store.CrossSlot {
		x.Fatalf("a dry run of reading %v and %v: %v", a, b, err)
	}
	return err == nil
}

// putAt is put for any table.
func putAt(ref store.Ref, text string) store.Op {
	return store.Op{Kind: store.Put, Ref: ref, Value: doc(text)}
}

// refusesSlots makes sure of which operations are said to lie elsewhere.
func (x *subject) refusesSlots(b store.Batch, elsewhere ...int) {
	x.Helper()
	_, err := x.s.Apply(x.Context(), b)
	x.expect(describe(b.Ops), err, store.CrossSlot)
	e := store.AsError(err)
	if e.Detail == "" || len(e.Failures) != len(elsewhere) {
		x.Fatalf("%s: the failures are %+v of %v", describe(b.Ops), e.Failures, err)
	}
	for n, f := range e.Failures {
		if i := elsewhere[n]; f.Index != i || f.Err.Ref != b.Ops[i].Ref || f.Err.Code != store.CrossSlot || f.Err.Detail == "" {
			x.Fatalf("%s: failure %d is of operation %d, %+v", describe(b.Ops), n, f.Index, f.Err)
		}
	}
}

func batchOverSlots(x *subject) {
	together, apart := x.placed(2)
	for _, dryRun := range []bool{false, true} {
		ops := []store.Op{putAt(together[0], `1`), putAt(apart[0], `1`), putAt(together[1], `1`), {Kind: store.Get, Ref: apart[1]}}
		x.refusesSlots(store.Batch{Ops: ops, DryRun: dryRun}, 1, 3)
		ops[0].If = ifExists // which fails, but it does not come to that
		x.refusesSlots(store.Batch{Ops: ops, DryRun: dryRun}, 1, 3)
		slices.Reverse(ops)
		if x.slotted(apart[0], apart[1]) {
			x.refusesSlots(store.Batch{Ops: ops, DryRun: dryRun}, 1, 3)
		} else {
			x.refusesSlots(store.Batch{Ops: ops, DryRun: dryRun}, 1, 2, 3)
		}
		x.refusesSlots(store.Batch{Ops: []store.Op{{Kind: store.Get, Ref: together[0]}, {Kind: store.Check, Ref: apart[0], If: ifAbsent}}, DryRun: dryRun}, 1)
	}
	for _, e := range x.read(slices.Concat(together, apart)...) {
		if !isAbsent(e) {
			x.Fatalf("of what was refused there is %s", show(e))
		}
	}
	x.tables()
}

// senselessOverSlots: what no state could satisfy is told before where keys lie.
func senselessOverSlots(x *subject) {
	together, apart := x.placed(2)
	for code, op := range map[store.Code]store.Op{
		store.DuplicateKey:     putAt(together[0], `2`),
		store.InvalidKey:       put("..", `1`),
		store.InvalidOperation: {Kind: store.Put, Ref: together[1]},
	} {
		ops := []store.Op{putAt(together[0], `1`), putAt(apart[0], `1`), op}
		err := x.refuse(store.BatchFailed, ops...)
		if len(err.Failures) != 1 || err.Failures[0].Index != 2 || err.Failures[0].Err.Code != code {
			x.Fatalf("%s: the failures are %+v", describe(ops), err.Failures)
		}
	}
}

func batchWithinSlot(x *subject) {
	refs, _ := x.placed(4)
	x.do(putAt(refs[0], `1`))
	x.do(putAt(refs[1], `{"n":1}`))
	good := []store.Op{
		putAt(refs[0], `2`),
		{Kind: store.Patch, Ref: refs[1], PatchType: store.MergePatch, Patch: doc(`{"n":2}`).Data},
		putAt(refs[2], `2`),
	}
	before := x.read(refs...)
	for at := range len(good) + 1 {
		ops := slices.Insert(slices.Clone(good), at, store.Op{Kind: store.Check, Ref: refs[3], If: ifExists})
		_, err := x.s.Apply(x.Context(), store.Batch{Ops: ops})
		x.expect(describe(ops), err, store.BatchFailed)
		if failures := store.AsError(err).Failures; len(failures) != 1 || failures[0].Index != at || failures[0].Err.Code != store.NotFound {
			x.Fatalf("%s: the failures are %+v", describe(ops), failures)
		}
		if diff := compareEntries(x.read(refs...), before); diff != "" {
			x.Fatalf("%s failed, yet it changed something: %s", describe(ops), diff)
		}
	}
	results, err := x.s.Apply(x.Context(), store.Batch{Ops: good})
	x.expect(describe(good), err, "")
	for i, want := range []int64{2, 2, 1} {
		if e := results[i].Entry; e.Ref != refs[i] || e.Version != want || !results[i].Changed {
			x.Fatalf("operation %d came to %s, changed %v", i, show(e), results[i].Changed)
		}
	}
}

// batchesWithinSlot reads by a batch too, since a read of many may do slot by
// slot and so ask more than once.
func batchesWithinSlot(x *subject) {
	const clients, rounds = 5, 12
	refs, _ := x.placed(6)
	gets := make([]store.Op, len(refs))
	for i, ref := range refs {
		gets[i] = store.Op{Kind: store.Get, Ref: ref}
	}
	together(clients, func(c int) {
		for round := range rounds {
			ops := gets
			if c > 0 {
				ops = nil
				for _, ref := range refs {
					ops = append(ops, putAt(ref, fmt.Sprintf(`"%d-%d"`, c, round)))
				}
			}
			results, err := x.s.Apply(x.Context(), store.Batch{Ops: ops})
			if err != nil {
				x.Errorf("client %d: %v", c, err)
				return
			}
			for _, r := range results {
				if first := results[0].Entry; r.Entry.Version != first.Version {
					x.Errorf("client %d was told of %s beside %s", c, show(first), show(r.Entry))
				}
			}
		}
	})
	for _, e := range x.read(refs...) {
		if want := int64((clients - 1) * rounds); e.Version != want {
			x.Errorf("%s, want version %d", show(e), want)
		}
	}
}
