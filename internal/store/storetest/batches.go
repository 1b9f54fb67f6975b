package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"larder/internal/store"
)

func batchTests() []test {
	return []test{
		{name: "all of it or none", needs: []Topic{Together}, run: allOrNothing},
		{name: "every failure is listed in order", needs: []Topic{Together}, run: failuresListed},
		{name: "results are in the order of the operations", needs: []Topic{Together}, run: resultsInOrder},
		{name: "every operation sees the state before", needs: []Topic{Together}, run: batchSeesStateBefore},
		{name: "a key that is written is named once", run: keysInConflict},
		{name: "a batch of one fails with its own error", run: batchOfOne},
		{name: "several tables at once", needs: []Topic{Together}, run: batchAcrossTables},
		{name: "a dry run tells and writes nothing", run: dryRun},
		{name: "a dry run fails as the batch would", run: dryRunFails},
		{name: "an empty batch is refused", run: emptyBatch},
		{name: "as many operations as are allowed", needs: []Topic{Together}, run: largestBatch},
		{name: "more operations than are allowed are refused", run: tooManyOperations},
		{name: "batches over the same keys never interleave", needs: []Topic{Together}, run: batchesDoNotInterleave},
		{name: "one of many wins", needs: []Topic{Together}, run: oneOfManyWins},
		{name: "what is moved about is neither lost nor made", needs: []Topic{Together}, run: bank},
		{name: "independent operations fail by themselves", run: applyEach},
	}
}

func allOrNothing(x *subject) {
	x.apply(put("a", `1`), put("b", `{"n":1}`), put("c", `"text"`))
	before := x.feed(store.Changes{Table: things})
	for _, failing := range []store.Op{
		onlyIf(store.IfVersion(7), put("c", `2`)), onlyIf(ifAbsent, del("c")), check("none", ifExists), merge("none", `{}`),
		jsonPatch("c", `[{"op":"test","path":"","value":"other"}]`), add("c", `1`), expire("none", store.NeverExpires()), living(store.ExpiresIn(0), put("c", `1`)),
	} {
		good := []store.Op{put("a", `2`), merge("b", `{"n":2}`), put("new", `1`), del("b2"), addFrom("counter", `1`, `0`)}
		for at := range len(good) + 1 {
			err := x.refuse(store.BatchFailed, slices.Insert(slices.Clone(good), at, failing)...)
			if len(err.Failures) != 1 || err.Failures[0].Index != at || err.Failures[0].Err.Ref != failing.Ref {
				x.Fatalf("with %s at %d the failures are %+v", describe([]store.Op{failing}), at, err.Failures)
			}
		}
	}
	if feed := x.feed(store.Changes{Table: things, Since: before.Next}); len(feed.Changes) != 0 {
		x.Fatalf("the failed batches left %d changes in the feed", len(feed.Changes))
	}
}

func failuresListed(x *subject) {
	x.apply(put("a", `1`), put("b", `1`), put("c", `"text"`))
	err := x.refuse(store.BatchFailed,
		put("fine", `1`),
		onlyIf(ifAbsent, put("a", `2`)),
		onlyIf(store.IfVersion(2), put("b", `2`)),
		check("none", ifExists),
		get("also fine"),
		add("c", `1`),
		merge("nothing", `{}`),
	)
	want := []struct {
		index        int
		key          string
		code         store.Code
		precondition bool
		version      int64
	}{
		{1, "a", store.AlreadyExists, true, 1},
		{2, "b", store.VersionMismatch, true, 1},
		{3, "none", store.NotFound, true, 0},
		{5, "c", store.NotANumber, false, 0},
		{6, "nothing", store.NotFound, false, 0},
	}
	if len(err.Failures) != len(want) {
		x.Fatalf("%d failures, want %d: %+v", len(err.Failures), len(want), err.Failures)
	}
	for i, f := range err.Failures {
		w := want[i]
		if f.Index != w.index || f.Err.Ref.Key != w.key || f.Err.Code != w.code || f.Err.Precondition != w.precondition {
			x.Fatalf("failure %d is of operation %d: %+v, want %+v", i, f.Index, f.Err, w)
		}
		if w.version > 0 && (f.Err.Current == nil || f.Err.Current.Version != w.version) {
			x.Fatalf("failure %d shows %+v, want version %d", i, f.Err.Current, w.version)
		}
	}
}

func resultsInOrder(x *subject) {
	x.apply(put("patched", `{"n":1}`), put("added", `41`), put("deleted", `1`), put("expired", `1`), put("read", `"r"`), put("checked", `1`))
	ops := []store.Op{
		get("read"), put("z", `"z"`), merge("patched", `{"n":2}`), del("deleted"), add("added", `1`), get("absent"),
		check("checked", store.IfVersion(1)), expire("expired", store.ExpiresIn(hours)), put("a", `"a"`), del("nothing"),
	}
	want := []struct {
		exists, changed, created bool

		value   string
		version int64
	}{
		{true, false, false, `"r"`, 1},
		{true, true, true, `"z"`, 1},
		{true, true, false, `{"n":2}`, 2},
		{false, true, false, "", 2},
		{true, true, false, `42`, 2},
		{false, false, false, "", 0},
		{true, false, false, `1`, 1},
		{true, true, false, `1`, 2},
		{true, true, true, `"a"`, 1},
		{false, false, false, "", 0},
	}
	for i, r := range x.apply(ops...) {
		w := want[i]
		if r.Entry.Ref != ops[i].Ref || r.Changed != w.changed || r.Created != w.created || r.Entry.Exists() != w.exists {
			x.Fatalf("result %d changed %v, created %v: %s", i, r.Changed, r.Created, show(r.Entry))
		}
		if w.version > 0 && r.Entry.Version != w.version {
			x.Fatalf("result %d is version %d, want %d", i, r.Entry.Version, w.version)
		}
		if w.exists && !x.lacks(BatchDetails) {
			if read := x.present(ops[i].Ref.Key); string(r.Entry.Value.Data) != w.value || !read.Equal(r.Entry) {
				x.Fatalf("result %d is %s, and there is %s", i, show(r.Entry), show(read))
			}
		}
	}
}

func batchSeesStateBefore(x *subject) {
	x.apply(put("a", `1`), put("b", `2`))
	results := x.apply(get("a"), check("a", store.IfVersion(1)), get("a"), put("b", `3`), get("c"), check("c", ifAbsent))
	for _, i := range []int{0, 1, 2} {
		if results[i].Entry.Version != 1 || results[i].Changed {
			x.Fatalf("result %d is %s", i, show(results[i].Entry))
		}
	}
}

func keysInConflict(x *subject) {
	x.do(put("k", `1`))
	for _, pair := range [][2]store.Op{
		{put("k", `2`), put("k", `3`)},
		{put("k", `2`), get("k")},
		{get("k"), put("k", `2`)},
		{check("k", ifExists), del("k")},
		{del("k"), check("k", ifExists)},
		{add("k", `1`), add("k", `1`)},
		{put("new", `1`), del("new")},
		{expire("k", store.NeverExpires()), merge("k", `{}`)},
	} {
		err := x.refuse(store.BatchFailed, pair[0], put("other", `1`), pair[1])
		if len(err.Failures) != 1 || err.Failures[0].Index != 2 || err.Failures[0].Err.Code != store.DuplicateKey {
			x.Fatalf("%s: the failures are %+v", describe(pair[:]), err.Failures)
		}
	}
	elsewhere := put("k", `2`)
	elsewhere.Ref.Table = "others"
	x.apply(elsewhere, put("k", `2`))
}

func batchOfOne(x *subject) {
	x.do(put("k", `"text"`))
	for code, op := range map[store.Code]store.Op{
		store.AlreadyExists:    onlyIf(ifAbsent, put("k", `1`)),
		store.VersionMismatch:  onlyIf(store.IfVersion(2), put("k", `1`)),
		store.NotFound:         merge("none", `{}`),
		store.NotANumber:       add("k", `1`),
		store.InvalidTTL:       living(store.ExpiresIn(0), put("k", `1`)),
		store.InvalidOperation: {Kind: store.Put, Ref: ref("k")},
	} {
		if err := x.refuse(code, op); len(err.Failures) != 0 {
			x.Fatalf("%s: a batch of one lists failures: %+v", code, err.Failures)
		}
	}
	x.refuse(store.InvalidOperation, store.Op{Ref: ref("k")})
	x.refuse(store.InvalidOperation, store.Op{Kind: store.Check + 1, Ref: ref("k")})
}

func batchAcrossTables(x *subject) {
	elsewhere := put("k", `"elsewhere"`)
	elsewhere.Ref.Table = "others"
	x.refuse(store.BatchFailed, elsewhere, check("none", ifExists))
	x.tables()
	x.apply(elsewhere, put("k", `"here"`))
	if e := x.read(ref("k"), elsewhere.Ref); string(e[0].Value.Data) != `"here"` || string(e[1].Value.Data) != `"elsewhere"` {
		x.Fatalf("there is %s and %s", show(e[0]), show(e[1]))
	}
}

func dryRun(x *subject) {
	x.apply(put("a", `{"n":1}`), put("b", `1`), put("c", `1`))
	ops := []store.Op{put("new", `1`), merge("a", `{"n":2}`), add("b", `1`), del("c"), get("none"), del("nothing")}
	before, feed := x.everything(), x.feed(store.Changes{Table: things})
	dry := x.done(store.Batch{Ops: ops, DryRun: true})
	if diff := compareEntries(x.everything(), before); diff != "" {
		x.Fatalf("the dry run changed something: %s", diff)
	}
	if rest := x.feed(store.Changes{Table: things, Since: feed.Next}); len(rest.Changes) != 0 {
		x.Fatalf("the dry run left %d changes in the feed", len(rest.Changes))
	}
	for i, r := range x.apply(ops...) {
		if dry[i].Changed != r.Changed || dry[i].Created != r.Created || dry[i].Entry.Version != r.Entry.Version || dry[i].Entry.Exists() != r.Entry.Exists() {
			x.Fatalf("operation %d was said to come to %s (changed %v), and came to %s (changed %v)", i, show(dry[i].Entry), dry[i].Changed, show(r.Entry), r.Changed)
		}
		if !x.lacks(BatchDetails) && !sameContent(dry[i].Entry, r.Entry) {
			x.Fatalf("operation %d was said to come to %s, and came to %s", i, show(dry[i].Entry), show(r.Entry))
		}
	}
}

func dryRunFails(x *subject) {
	x.do(put("a", `1`))
	for code, ops := range map[store.Code][]store.Op{
		store.BatchFailed:      {put("b", `1`), onlyIf(ifAbsent, put("a", `1`))},
		store.VersionMismatch:  {onlyIf(store.IfVersion(9), del("a"))},
		store.InvalidKey:       {put("..", `1`)},
		store.InvalidOperation: {},
	} {
		if code == store.BatchFailed && x.lacks(Together) {
			continue
		}
		_, err := x.s.Apply(x.Context(), store.Batch{Ops: ops, DryRun: true})
		x.expect("dry run of "+describe(ops), err, code)
	}
}

func emptyBatch(x *subject) { x.refuse(store.InvalidOperation) }

func largestBatch(x *subject) {
	var ops []store.Op
	for i := range x.limits.MaxOperations {
		ops = append(ops, put(fmt.Sprintf("%06d", i), number(i)))
	}
	for i, r := range x.apply(ops...) {
		if r.Entry.Key != ops[i].Ref.Key || r.Entry.Version != 1 {
			x.Fatalf("result %d is %s", i, show(r.Entry))
		}
	}
	if n := len(x.everything()); n != len(ops) {
		x.Fatalf("%d entries, want %d", n, len(ops))
	}
	for i := range ops {
		ops[i] = onlyIf(ifExists, ops[i])
	}
	ops[len(ops)-1].If = ifAbsent
	x.refuse(store.BatchFailed, ops...)
	ops[len(ops)-1].If = ifExists
	x.apply(ops...)
}

func tooManyOperations(x *subject) {
	x.do(put("000001", `"there"`))
	var ops []store.Op
	for i := range x.limits.MaxOperations + 1 {
		ops = append(ops, put(fmt.Sprintf("%06d", i), number(i)))
	}
	x.refuse(store.TooManyOperations, ops...)
}

// together runs several clients at once and waits for all.
func together(clients int, client func(number int)) {
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { client(i) })
	}
	wg.Wait()
}

func batchesDoNotInterleave(x *subject) {
	const clients, rounds = 6, 12
	keys := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	refs := make([]store.Ref, len(keys))
	for i, key := range keys {
		refs[i] = ref(key)
	}
	x.applyEach(keys, func(key string) store.Op { return put(key, `"start"`) })
	together(clients, func(c int) {
		for round := range rounds {
			if c == 0 {
				x.sameValues(refs)
				continue
			}
			var ops []store.Op
			for _, key := range keys {
				ops = append(ops, put(key, fmt.Sprintf(`"%d-%d"`, c, round)))
			}
			if c%2 == 0 { // the other way round, for those who lock as they go
				slices.Reverse(ops)
			}
			if _, err := x.s.Apply(x.Context(), store.Batch{Ops: ops}); err != nil {
				x.Errorf("client %d: %v", c, err)
			}
		}
	})
	x.sameValues(refs)
	for _, e := range x.read(refs...) {
		if want := int64((clients-1)*rounds + 1); e.Version != want {
			x.Errorf("%s, want version %d", show(e), want)
		}
	}
}

// sameValues reads all at once, to find the same in each.
func (x *subject) sameValues(refs []store.Ref) {
	read, err := x.s.Get(x.Context(), refs)
	if err != nil {
		x.Errorf("Get: %v", err)
		return
	}
	for _, e := range read.Entries[1:] {
		if first := read.Entries[0]; !e.Value.Equal(first.Value) || e.Version != first.Version {
			x.Errorf("one read shows %s beside %s", show(first), show(e))
		}
	}
}

func oneOfManyWins(x *subject) {
	const clients = 8
	for round := range 5 {
		won := make([]bool, clients)
		together(clients, func(c int) {
			key := fmt.Sprintf("%d-%d", round, c)
			_, err := x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{
				put(key, `1`), onlyIf(ifAbsent, put(number(round), number(c))),
			}})
			won[c] = err == nil
			if err != nil && store.CodeOf(err) != store.BatchFailed {
				x.Errorf("client %d: %v", c, err)
			}
		})
		winner := slices.Index(won, true)
		if winner < 0 || slices.Contains(won[winner+1:], true) {
			x.Fatalf("round %d was won by %v", round, won)
		}
		if e := x.present(number(round)); string(e.Value.Data) != number(winner) || e.Version != 1 {
			x.Fatalf("round %d was won by %d, yet there is %s", round, winner, show(e))
		}
		x.sameKeys("what the winner wrote beside it", x.scan(store.Scan{Table: things, Prefix: number(round) + "-"}).Entries, fmt.Sprintf("%d-%d", round, winner))
	}
}

func bank(x *subject) {
	const clients, rounds, accounts, each = 5, 15, 4, 100
	for a := range accounts {
		x.do(put(number(a), number(each)))
	}
	together(clients, func(c int) {
		for round := range rounds {
			from, to := number((c+round)%accounts), number((c+2*round+1)%accounts)
			if from == to {
				continue
			}
			take, give := add(from, `-30`), add(to, `30`)
			take.Increment.Min = []byte(`0`)
			_, err := x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{take, give}})
			if failures := store.FailuresOf(err, store.Batch{Ops: []store.Op{take, give}}); err != nil && (len(failures) != 1 || failures[0].Err.Code != store.OutOfRange) {
				x.Errorf("client %d: %v", c, err)
			}
		}
	})
	total := int64(0)
	for _, e := range x.everything() {
		total += x.integer(e)
		if strings.HasPrefix(string(e.Value.Data), "-") {
			x.Errorf("an account is overdrawn: %s", show(e))
		}
	}
	if total != accounts*each {
		x.Errorf("the total is %d, want %d", total, accounts*each)
	}
}

func applyEach(x *subject) {
	x.do(put("k", `1`))
	outcomes := store.ApplyEach(x.Context(), x.s, store.Batch{Ops: []store.Op{
		put("a", `1`), onlyIf(ifAbsent, put("k", `2`)), get("k"), add("k", `1`), put("..", `1`), get("none"), put("a", `2`), del("a"), get("a"), get("other"),
	}})
	codes := []store.Code{"", store.AlreadyExists, "", "", store.InvalidKey, "", "", "", "", ""}
	versions := []int64{1, 0, 1, 2, 0, 0, 2, 3, 3, 0}
	for i, o := range outcomes {
		x.expect("operation "+number(i), o.Err, codes[i])
		if o.Err == nil && (o.Entry.Exists() || !x.lacks(AbsentVersions)) && o.Entry.Version != versions[i] {
			x.Fatalf("operation %d gave %s, want version %d", i, show(o.Entry), versions[i])
		}
	}
}
