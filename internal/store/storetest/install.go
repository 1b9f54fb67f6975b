package storetest

import (
	"fmt"
	"time"

	"larder/internal/store"
)

func installTests() []test {
	return []test{
		{name: "the newer version wins", run: newerWins},
		{name: "tombstones delete and stay", run: installTombstones},
		{name: "an entry is taken over as it is", run: installAsItIs},
		{name: "the feed shows what was installed", run: installInFeed},
		{name: "what has expired elsewhere is absent here", run: installExpired},
		{name: "an end that was put off elsewhere is not kept to here", needs: []Topic{clock}, run: installPutOff},
		{name: "a key that comes twice", run: installTwice},
		{name: "writes go on from an installed version", run: writesGoOn},
		{name: "many at once, and again", run: installMany},
		{name: "bad names are refused", run: installBadNames},
		{name: "another store is followed by its feed", run: followAnother},
	}
}

// foreign is an entry as another store committed it.
func foreign(key, text string, version int64) store.Entry {
	at := time.Date(2024, 2, 29, 12, 0, 0, 123456000, time.UTC)
	return store.Entry{Ref: ref(key), Value: doc(text), Version: version, CreatedAt: at, UpdatedAt: at.Add(time.Duration(version) * time.Second)}
}

func buried(key string, version int64) store.Entry {
	return foreign(key, `null`, version-1).Tombstone(time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC))
}

// install takes entries over.
func (x *subject) install(entries ...store.Entry) {
	x.Helper()
	x.expect("Install", x.s.Install(x.Context(), entries), "")
}

// holds makes sure that this very entry is there.
func (x *subject) holds(want store.Entry) {
	x.Helper()
	if e := x.present(want.Key); !e.Equal(want) {
		x.Fatalf("there is %+v, want %+v", e, want)
	}
}

func newerWins(x *subject) {
	x.install(foreign("k", `5`, 5))
	x.holds(foreign("k", `5`, 5))
	x.install(foreign("k", `"another five"`, 5))
	x.holds(foreign("k", `5`, 5))
	x.install(foreign("k", `4`, 4))
	x.holds(foreign("k", `5`, 5))
	x.install(foreign("k", `9`, 9))
	x.holds(foreign("k", `9`, 9))
	x.do(put("own", `1`))
	own := x.present("own")
	x.install(foreign("own", `"foreign"`, 1))
	x.holds(own)
	x.install(foreign("own", `"foreign"`, 2))
	x.holds(foreign("own", `"foreign"`, 2))
	x.install(foreign("twice", `1`, 1), foreign("twice", `3`, 3), foreign("twice", `2`, 2))
	x.holds(foreign("twice", `3`, 3))
	x.install()
}

func installTombstones(x *subject) {
	x.install(foreign("k", `1`, 1))
	x.install(buried("k", 2))
	x.absent("k")
	x.install(foreign("k", `1`, 1))
	x.absent("k")
	x.install(buried("unknown", 7))
	x.absent("unknown")
	x.install(foreign("unknown", `6`, 6))
	x.absent("unknown")
	x.sameKeys("scan", x.everything())
	if e := x.do(onlyIf(ifAbsent, put("unknown", `8`))); e.Version != 8 {
		x.Fatalf("after an installed tombstone of version 7 came %s", show(e))
	}
	x.install(foreign("k", `3`, 3))
	x.holds(foreign("k", `3`, 3))
}

func installAsItIs(x *subject) {
	e := foreign("k", `{"a":[1,9007199254740993],"é":null}`, 41)
	e.Metadata = map[string]string{"tier": "gold"}
	e.ExpiresAt = x.now().Add(hours)
	x.install(e)
	x.holds(e)
	o := foreign("bytes", `null`, 3)
	o.Value = opaque([]byte{0, 255, '"'})
	x.install(o)
	x.holds(o)
	if diff := compareEntries(x.everything(), []store.Entry{o, e}); diff != "" {
		x.Fatal(diff)
	}
	x.do(onlyIf(store.IfVersion(41), merge("k", `{"a":null}`)))
	if next := x.present("k"); next.Version != 42 || !next.CreatedAt.Equal(e.CreatedAt) || !next.ExpiresAt.Equal(e.ExpiresAt) || next.Metadata["tier"] != "gold" {
		x.Fatalf("there is %+v", next)
	}
}

func installInFeed(x *subject) {
	x.do(put("own", `1`))
	since := x.shows(store.Changes{}, "own:1")
	x.install(foreign("a", `5`, 5), foreign("own", `9`, 9), buried("b", 3))
	end := x.shows(store.Changes{Since: since}, "-b:3 a:5 own:9")
	x.install(foreign("a", `5`, 5), foreign("own", `8`, 8), buried("b", 3))
	x.shows(store.Changes{Since: end}, "")
}

// installPutOff buries an entry whose end has come before it is told that the other store
// had put it off, as it is for one that was out of reach meanwhile.
func installPutOff(x *subject) {
	for version := int64(5); version < 9; version++ {
		mortal := foreign("k", `1`, version)
		mortal.ExpiresAt = x.now().Add(x.lifetime())
		x.install(mortal)
		x.h.Advance(x.s, 2*x.lifetime())
		if maintainer, ok := store.As[store.Maintainer](x.s); ok {
			x.expect("cleanup", maintainer.Maintain(x.Context(), store.Maintenance{Action: store.Cleanup}), "")
		}
		x.absent("k")
		version++
		x.install(mortal)
		x.absent("k")
		x.install(foreign("k", `2`, version))
		x.holds(foreign("k", `2`, version))
		x.install(buried("k", version))
		x.holds(foreign("k", `2`, version))
	}
}

func installExpired(x *subject) {
	e := foreign("k", `1`, 5)
	e.ExpiresAt = x.now().Add(-time.Hour)
	x.install(e)
	x.absent("k")
	x.sameKeys("scan", x.everything())
	x.refuseOne(store.NotFound, merge("k", `{}`))
	if next := x.do(onlyIf(ifAbsent, put("k", `2`))); next.Version <= 5 || !next.CreatedAt.Equal(next.UpdatedAt) {
		x.Fatalf("after an installed entry that had expired came %+v", next)
	}
}

// writesGoOn also holds the store to times that don't go back, though the
// other store's clock is ahead.
func writesGoOn(x *subject) {
	e := foreign("k", `1`, 5)
	e.UpdatedAt = x.now().Add(hours)
	x.install(e)
	next := x.do(put("k", `2`))
	if next.Version != 6 || next.UpdatedAt.Before(e.UpdatedAt) || !next.CreatedAt.Equal(e.CreatedAt) {
		x.Fatalf("after %+v came %+v", e, next)
	}
	x.holds(next)
}

func installMany(x *subject) {
	var entries []store.Entry
	for i := range 500 {
		e := foreign(fmt.Sprintf("%03d", i), number(i), int64(i%7+1))
		if i%5 == 0 {
			e = buried(e.Key, int64(i%7+2))
		}
		if i%2 == 0 {
			e.Table = "others"
		}
		entries = append(entries, e)
	}
	for range 2 {
		x.install(entries...)
		for _, e := range entries {
			if got := x.read(e.Ref)[0]; got.Exists() != e.Exists() || e.Exists() && !got.Equal(e) {
				x.Fatalf("there is %+v, want %+v", got, e)
			}
		}
	}
	x.tables("others", things)
}

func installBadNames(x *subject) {
	good, bad := foreign("good", `1`, 1), foreign("..", `1`, 1)
	x.expect("Install", x.s.Install(x.Context(), []store.Entry{good, bad}), store.InvalidKey)
	bad = foreign("k", `1`, 1)
	bad.Table = "a/b"
	x.expect("Install", x.s.Install(x.Context(), []store.Entry{good, bad}), store.InvalidTable)
	x.absent("good")
}

// followAnother does what a replica does: it installs what a feed shows.
func followAnother(x *subject) {
	leader := &subject{T: x.T, s: NewModel(ModelOptions{Limits: x.limits}), limits: x.limits}
	since := store.Cursor("")
	for round := range 20 {
		for i := range 7 {
			key := number((round + i*i) % 9)
			switch op := put(key, fmt.Sprintf(`{"round":%d,"i":%d}`, round, i)); {
			case i%3 == 2:
				leader.do(del(key))
			case i%3 == 1:
				leader.do(tagged(map[string]string{"i": number(i)}, living(store.ExpiresIn(hours), op)))
			default:
				leader.do(op)
			}
		}
		for {
			feed := leader.changes(store.Changes{Table: things, Since: since, Limit: 4})
			var entries []store.Entry
			for _, c := range feed.Changes {
				entries = append(entries, c.Entry)
			}
			x.install(entries...)
			since = feed.Next
			if !feed.More {
				break
			}
		}
		if diff := compareEntries(x.everything(), leader.everything()); diff != "" {
			x.Fatalf("after round %d: %s", round, diff)
		}
	}
}

// installTwice installs a key twice at once, which comes to the same as one after the
// other.
func installTwice(x *subject) {
	at := x.now()
	living := func(key string, version int64, text string) store.Entry {
		return store.Entry{Ref: ref(key), Version: version, Value: put(key, text).Value, CreatedAt: at, UpdatedAt: at}
	}
	buried := func(key string, version int64) store.Entry {
		return store.Entry{Ref: ref(key), Version: version, Deleted: true, UpdatedAt: at}
	}
	err := x.s.Install(x.Context(), []store.Entry{
		buried("a", 3), living("a", 3, `1`),
		living("b", 3, `1`), buried("b", 3),
		living("c", 3, `1`), buried("c", 4),
		buried("d", 4), living("d", 3, `1`),
		living("e", 3, `1`), living("e", 3, `2`),
	})
	x.expect("Install", err, "")
	for _, key := range []string{"a", "b", "e"} {
		if e := x.present(key); e.Version != 3 || string(e.Value.Data) != `1` {
			x.Errorf("%q is %s", key, show(e))
		}
	}
	x.absent("c", "d")
}
