package storetest

import (
	"math"

	"larder/internal/store"
	"larder/internal/value"
)

// hugeVersionTests belong to the topic of installing, since there is no other
// way to such versions.
func hugeVersionTests() []test {
	return []test{
		{name: "versions that no float holds go on by one", run: hugeVersions},
		{name: "versions that no float holds are found", needs: []Topic{Queries}, run: hugeVersionsFound},
		{name: "versions that no float holds survive closing", needs: []Topic{reopening}, run: hugeVersionsSurvive},
		{name: "versions that no float holds go on where the tombstone is gone", needs: []Topic{clock, maintenance}, run: hugeFloor},
	}
}

// beyondFloats are versions around the last that a float64 tells from the
// next, and near the last of all.
func beyondFloats() []int64 {
	return []int64{1<<53 - 2, 1<<53 - 1, 1 << 53, 1<<53 + 1, 1<<53 + 2, 1<<60 + 1, 1<<62 - 1, math.MaxInt64 - 20}
}

// installAt installs an entry at a version.
func (x *subject) installAt(key string, version int64) store.Entry {
	x.Helper()
	e := foreign(key, `{"n":1}`, 1)
	e.Version = version
	x.install(e)
	x.holds(e)
	return e
}

func hugeVersions(x *subject) {
	for i, version := range beyondFloats() {
		key := number(i)
		e := x.installAt(key, version)
		for _, off := range []int64{-1, 1} {
			beside := e
			beside.Version += off
			err := x.refuseOne(store.VersionMismatch, onlyIf(store.IfVersion(beside.Version), put(key, `2`)))
			if err.Current == nil || err.Current.Version != version {
				x.Fatalf("the failure of version %d shows %+v, want version %d", beside.Version, err.Current, version)
			}
		}
		older := e
		older.Version, older.Value = version-1, doc(`"older"`)
		x.install(older)
		x.holds(e)
		for step, op := range []store.Op{
			put(key, `{"n":2}`), put(key, `{"n":3}`), merge(key, `{"m":1}`), jsonPatch(key, `[{"op":"remove","path":"/m"}]`), addAt(key, "/n", `1`), addAt(key, "/n", `0.5`),
			expire(key, store.ExpiresIn(hours)), expire(key, store.NeverExpires()), del(key), put(key, `{"n":1}`), merge(key, `{"n":2}`),
		} {
			if e.Exists() && step%2 == 0 {
				op.If = store.IfVersion(version)
			}
			version++
			e = x.do(op)
			read := x.get(key)
			if e.Version != version || (read.Exists() || !x.lacks(AbsentVersions)) && read.Version != version {
				x.Fatalf("step %d, %s, gave %s; there is %s, want version %d", step, op.Kind, show(e), show(read), version)
			}
		}
		for _, s := range []store.Scan{{}, {KeysOnly: true}, {Order: store.ByChange}} {
			s.Table, s.Prefix = things, key
			if got := x.scan(s).Entries; len(got) != 1 || got[0].Version != version {
				x.Fatalf("%+v shows %+v, want version %d", s, got, version)
			}
		}
		x.shows(store.Changes{Prefix: key}, key+":"+number(version))
		x.do(onlyIf(store.IfVersion(version), del(key)))
		x.shows(store.Changes{Prefix: key}, "-"+key+":"+number(version+1))
		x.installAt(key, version+2)
	}
}

func hugeVersionsFound(x *subject) {
	for i, version := range beyondFloats() {
		x.installAt(number(i), version)
	}
	for i, version := range beyondFloats() {
		text := []byte(number(version))
		x.sameKeys("of this version", x.search(store.Query{Table: things, Filter: value.Filter{Path: "$version", Op: value.OpEq, Value: text}}).Entries, number(i))
		if n := x.count(store.Query{Table: things, Filter: value.Filter{Path: "$version", Op: value.OpLt, Value: text}}); n != i {
			x.Fatalf("%d are below version %d, want %d", n, version, i)
		}
	}
	var sorted []string
	for i := range beyondFloats() {
		sorted = append([]string{number(i)}, sorted...)
	}
	x.sameKeys("by version", x.searchAll(store.Query{Table: things, Sort: []store.Sort{{Path: "$version", Descending: true}}, Limit: 3}), sorted...)
}

func hugeVersionsSurvive(x *subject) {
	for i, version := range beyondFloats() {
		x.installAt(number(i), version)
	}
	x.reopen()
	for i, version := range beyondFloats() {
		if e := x.do(onlyIf(store.IfVersion(version), put(number(i), `1`))); e.Version != version+1 {
			x.Fatalf("after reopening there is %s, want version %d", show(e), version+1)
		}
	}
}

func hugeFloor(x *subject) {
	version := int64(1<<53 + 1)
	x.installAt("k", version)
	x.do(del("k"))
	x.forget()
	x.absent("k")
	for _, key := range []string{"k", "another"} {
		if e := x.do(onlyIf(ifAbsent, put(key, `1`))); key == "k" && e.Version <= version+1 {
			x.Fatalf("there is %s, after the tombstone of version %d was cleaned up", show(e), version+1)
		}
	}
}
