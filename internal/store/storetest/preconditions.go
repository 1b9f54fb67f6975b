package storetest

import (
	"fmt"

	"larder/internal/store"
)

func preconditionTests() []test {
	return []test{
		{name: "each holds or fails as it should in each state", run: preconditionsInEachState},
		{name: "one of several versions is enough", needs: []Topic{VersionLists}, run: preconditionVersions},
		{name: "contradictions are refused", run: preconditionContradictions},
		{name: "a failure shows the version there is", run: preconditionShowsVersion},
		{name: "a failure shows the entry there is", needs: []Topic{CurrentEntries}, run: preconditionShowsEntry},
		{name: "a version of an earlier life never fits", run: preconditionEarlierLife},
		{name: "a check writes nothing", run: checkWritesNothing},
	}
}

// state is one of those that an entry can be in.
type state struct {
	name    string
	exists  bool
	version int64
	reach   func(x *subject, keys []string)
}

func states() []state {
	write := func(x *subject, keys []string) {
		x.applyEach(keys, func(key string) store.Op { return put(key, `{"n":1}`) })
	}
	remove := func(x *subject, keys []string) { x.applyEach(keys, del) }
	return []state{
		{"never written", false, 0, func(*subject, []string) {}},
		{"written", true, 1, write},
		{"written twice", true, 2, func(x *subject, keys []string) { write(x, keys); write(x, keys) }},
		{"deleted", false, 2, func(x *subject, keys []string) { write(x, keys); remove(x, keys) }},
		{"created again", true, 3, func(x *subject, keys []string) { write(x, keys); remove(x, keys); write(x, keys) }},
		{"expired", false, 1, func(x *subject, keys []string) {
			x.applyEach(keys, func(key string) store.Op {
				return living(store.ExpiresIn(x.lifetime()), put(key, `{"n":1}`))
			})
			x.outlive(keys...)
		}},
	}
}

// condition is a precondition and what it comes to in a state.
type condition struct {
	store.Precondition
	code store.Code
}

func (s state) conditions() []condition {
	ifThere := func(code store.Code) store.Code {
		if !s.exists {
			return store.NotFound
		}
		return code
	}
	ifNotThere := store.Code("")
	if s.exists {
		ifNotThere = store.AlreadyExists
	}
	return []condition{
		{store.Precondition{}, ""},
		{ifAbsent, ifNotThere},
		{ifExists, ifThere("")},
		{store.IfVersion(max(s.version, 1)), ifThere("")},
		{store.IfVersion(s.version + 1), ifThere(store.VersionMismatch)},
		{store.IfVersion(s.version + 1000), ifThere(store.VersionMismatch)},
		{store.Precondition{Exists: true, Versions: []int64{max(s.version, 1)}}, ifThere("")},
		{store.Precondition{Exists: true, Versions: []int64{s.version + 1}}, ifThere(store.VersionMismatch)},
	}
}

// attempt is a kind of operation and what it comes to where nothing is there.
type attempt struct {
	op         func(key string) store.Op
	whenAbsent store.Code
}

func attempts() []attempt {
	return []attempt{
		{func(key string) store.Op { return put(key, `{"n":2}`) }, ""},
		{func(key string) store.Op { return merge(key, `{"n":3}`) }, store.NotFound},
		{func(key string) store.Op { return jsonPatch(key, `[{"op":"replace","path":"/n","value":4}]`) }, store.NotFound},
		{func(key string) store.Op { return addAt(key, "/n", `5`) }, store.NotFound},
		{func(key string) store.Op { return expire(key, store.NeverExpires()) }, store.NotFound},
		{del, ""},
		{get, ""},
		{func(key string) store.Op { return store.Op{Kind: store.Check, Ref: ref(key)} }, ""},
	}
}

func preconditionsInEachState(x *subject) {
	for s, state := range states() {
		type trial struct {
			key string
			attempt
			condition
		}
		var trials []trial
		var keys []string
		for a, attempt := range attempts() {
			for c, condition := range state.conditions() {
				kind := attempt.op("").Kind
				if kind == store.Get && x.lacks(ReadPreconditions) || kind == store.Check && condition.IsZero() {
					continue
				}
				key := fmt.Sprintf("%d-%d-%d", s, a, c)
				keys = append(keys, key)
				trials = append(trials, trial{key, attempt, condition})
			}
		}
		state.reach(x, keys)
		for _, trial := range trials {
			x.try(state, trial.condition, trial.attempt, trial.key)
		}
	}
}

// try does an operation under a precondition on an entry in that state.
func (x *subject) try(s state, c condition, a attempt, key string) {
	x.Helper()
	op := onlyIf(c.Precondition, a.op(key))
	want, byPrecondition := c.code, c.code != ""
	if want == "" && !s.exists {
		want = a.whenAbsent
	}
	if want != "" {
		err := x.refuseOne(want, op)
		if err.Precondition != byPrecondition {
			x.Fatalf("%s, which was %s: %v says precondition %v", describe([]store.Op{op}), s.name, err, err.Precondition)
		}
		return
	}
	result := x.apply(op)[0]
	writes := op.Kind == store.Put || op.Kind.Writes() && s.exists
	exists := op.Kind != store.Delete && (s.exists || op.Kind == store.Put)
	if result.Changed != writes || result.Entry.Exists() != exists {
		x.Fatalf("%s, which was %s: changed %v, now %s", describe([]store.Op{op}), s.name, result.Changed, show(result.Entry))
	}
	if e := x.get(key); e.Exists() != exists || writes && exists && e.Version <= s.version || !writes && exists && e.Version != s.version {
		x.Fatalf("%s, which was %s at version %d: there is %s", describe([]store.Op{op}), s.name, s.version, show(e))
	}
}

func preconditionVersions(x *subject) {
	x.do(put("k", `1`))
	x.do(put("k", `2`))
	for _, versions := range [][]int64{{2}, {1, 2}, {2, 1}, {7, 8, 2, 9}, {2, 2}} {
		x.do(onlyIf(store.Precondition{Versions: versions}, check("k", ifExists)))
	}
	for _, versions := range [][]int64{{1}, {1, 3}, {-2, 0}, {3, 4, 5}} {
		x.refuseOne(store.VersionMismatch, onlyIf(store.Precondition{Versions: versions}, put("k", `3`)))
	}
	x.refuseOne(store.NotFound, onlyIf(store.Precondition{Versions: []int64{0, 1}}, put("none", `1`)))
	if e := x.do(onlyIf(store.Precondition{Versions: []int64{1, 2}}, put("k", `3`))); e.Version != 3 {
		x.Fatalf("there is %s", show(e))
	}
}

func preconditionContradictions(x *subject) {
	x.do(put("there", `1`))
	for _, key := range []string{"there", "none"} {
		x.refuseOne(store.InvalidOperation, onlyIf(store.Precondition{Absent: true, Exists: true}, put(key, `2`)))
		x.refuseOne(store.InvalidOperation, onlyIf(store.Precondition{Absent: true, Versions: []int64{1}}, put(key, `2`)))
	}
}

func preconditionShowsVersion(x *subject) {
	x.do(put("k", `1`))
	x.do(put("k", `2`))
	for _, p := range []store.Precondition{ifAbsent, store.IfVersion(1)} {
		code := store.VersionMismatch
		if p.Absent {
			code = store.AlreadyExists
		}
		err := x.refuseOne(code, onlyIf(p, put("k", `3`)))
		if err.Current == nil || err.Current.Version != 2 || err.Ref != ref("k") {
			x.Fatalf("the failure of %+v is about %v and shows %+v", p, err.Ref, err.Current)
		}
	}
}

func preconditionShowsEntry(x *subject) {
	want := x.do(tagged(map[string]string{"tier": "gold"}, living(store.ExpiresIn(hours), put("k", `{"a":[1,2]}`))))
	err := x.refuseOne(store.VersionMismatch, onlyIf(store.IfVersion(7), merge("k", `{"a":null}`)))
	if err.Current == nil || !err.Current.Equal(want) {
		x.Fatalf("the failure shows %+v, want %s", err.Current, show(want))
	}
	err = x.refuseOne(store.NotFound, onlyIf(ifExists, put("none", `1`)))
	if err.Current == nil || err.Current.Exists() || err.Current.Ref != ref("none") {
		x.Fatalf("the failure shows %+v of an absent entry", err.Current)
	}
}

// preconditionEarlierLife is the ABA problem: an entry that looks as it did
// when it was read, though it was another one in between.
func preconditionEarlierLife(x *subject) {
	first := x.do(put("k", `"same"`))
	x.do(del("k"))
	again := x.do(onlyIf(ifAbsent, put("k", `"same"`)))
	if again.Version <= first.Version {
		x.Fatalf("version %d after version %d", again.Version, first.Version)
	}
	x.refuseOne(store.VersionMismatch, onlyIf(store.IfVersion(first.Version), put("k", `"other"`)))
	x.refuseOne(store.VersionMismatch, onlyIf(store.IfVersion(first.Version+1), del("k")))
	x.do(onlyIf(store.IfVersion(again.Version), put("k", `"other"`)))
}

func checkWritesNothing(x *subject) {
	want := x.do(put("k", `1`))
	before := x.feed(store.Changes{Table: things})
	for _, op := range []store.Op{check("k", ifExists), check("k", store.IfVersion(1)), check("none", ifAbsent)} {
		if r := x.apply(op)[0]; r.Changed {
			x.Fatalf("%s changed something", describe([]store.Op{op}))
		}
	}
	x.refuseOne(store.InvalidOperation, store.Op{Kind: store.Check, Ref: ref("k")})
	if e := x.present("k"); !e.Equal(want) {
		x.Fatalf("there is %s, want %s", show(e), show(want))
	}
	if feed := x.feed(store.Changes{Table: things, Since: before.Next}); len(feed.Changes) != 0 {
		x.Fatalf("the feed shows %d changes", len(feed.Changes))
	}
}
