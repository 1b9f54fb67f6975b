package storetest

import (
	"time"

	"larder/internal/store"
)

func versionTests() []test {
	return []test{
		{name: "every write is the next version", run: versionsByOne},
		{name: "a deleted entry goes on from its tombstone", run: versionsAcrossLives},
		{name: "a deletion of nothing changes nothing", run: deletionOfNothing},
		{name: "an absent entry shows the version it goes on from", needs: []Topic{AbsentVersions}, run: absentVersions},
		{name: "times tell the life of an entry", run: timesOfALife},
		{name: "a table counts what exists", run: tablesCount},
		{name: "a table of tombstones is listed", needs: []Topic{EmptyTables}, run: tableOfTombstones},
		{name: "versions go on where the tombstone is gone", needs: []Topic{clock, maintenance}, run: versionFloor},
		{name: "versions survive closing", needs: []Topic{reopening}, run: versionsSurvive},
	}
}

func versionsByOne(x *subject) {
	for i, op := range []store.Op{
		put("k", `{"n":1}`), put("k", `{"n":1}`), merge("k", `{"n":2}`), merge("k", `{}`), jsonPatch("k", `[]`), jsonPatch("k", `[{"op":"test","path":"/n","value":2}]`),
		addAt("k", "/n", `1`), addAt("k", "/n", `0`), expire("k", store.ExpiresIn(hours)), expire("k", store.NeverExpires()), expire("k", store.NeverExpires()), del("k"), put("k", `1`),
	} {
		r := x.apply(op)[0]
		if r.Entry.Version != int64(i+1) || !r.Changed {
			x.Fatalf("write %d, %s, changed %v and gave %s", i+1, op.Kind, r.Changed, show(r.Entry))
		}
		if e := x.get("k"); e.Exists() && e.Version != int64(i+1) {
			x.Fatalf("after write %d there is %s", i+1, show(e))
		}
	}
}

func versionsAcrossLives(x *subject) {
	last := int64(0)
	for range 5 {
		written := x.do(onlyIf(ifAbsent, put("k", `1`)))
		if written.Version != last+1 {
			x.Fatalf("version %d after %d", written.Version, last)
		}
		deleted := x.do(onlyIf(store.IfVersion(written.Version), del("k")))
		if deleted.Version != written.Version+1 || deleted.Exists() {
			x.Fatalf("the deletion of version %d gave %s", written.Version, show(deleted))
		}
		x.absent("k")
		last = deleted.Version
	}
}

func deletionOfNothing(x *subject) {
	x.do(put("k", `1`))
	x.do(del("k"))
	before := x.feed(store.Changes{Table: things})
	for _, key := range []string{"k", "none", "k"} {
		if r := x.apply(del(key))[0]; r.Changed || r.Entry.Exists() {
			x.Fatalf("deleting %q changed %v, %s", key, r.Changed, show(r.Entry))
		}
	}
	if feed := x.feed(store.Changes{Table: things, Since: before.Next}); len(feed.Changes) != 0 {
		x.Fatalf("deletions of nothing came as %d changes", len(feed.Changes))
	}
	if e := x.do(put("k", `1`)); e.Version != 3 {
		x.Fatalf("the next write is version %d, want 3", e.Version)
	}
	if e := x.do(put("none", `1`)); e.Version != 1 {
		x.Fatalf("the first write is version %d", e.Version)
	}
}

func absentVersions(x *subject) {
	x.do(put("k", `1`))
	x.do(del("k"))
	if e := x.get("k"); e.Version != 2 || !e.Deleted {
		x.Fatalf("deleted is %+v", e)
	}
	if e := x.get("none"); e.Version != 0 || e.Deleted {
		x.Fatalf("never written is %+v", e)
	}
	r := x.apply(del("k"), get("none"), check("other", ifAbsent))
	if r[0].Entry.Version != 2 || r[1].Entry.Version != 0 || r[2].Entry.Version != 0 {
		x.Fatalf("the results are %+v", r)
	}
}

func timesOfALife(x *subject) {
	first := x.do(put("k", `{"n":1}`))
	for what, at := range map[string]time.Time{"created": first.CreatedAt, "updated": first.UpdatedAt} {
		if at.IsZero() || at.Location() != time.UTC || !at.Equal(at.Truncate(time.Microsecond)) {
			x.Fatalf("%s at %v, want UTC in whole microseconds", what, at)
		}
	}
	if !first.CreatedAt.Equal(first.UpdatedAt) {
		x.Fatalf("created at %v, updated at %v", first.CreatedAt, first.UpdatedAt)
	}
	last := first
	for _, op := range []store.Op{put("k", `{"n":2}`), merge("k", `{"m":1}`), addAt("k", "/n", `1`), expire("k", store.ExpiresIn(hours))} {
		next := x.do(op)
		if !next.CreatedAt.Equal(first.CreatedAt) || next.UpdatedAt.Before(last.UpdatedAt) {
			x.Fatalf("%s: created at %v, updated at %v; before it %v and %v", op.Kind, next.CreatedAt, next.UpdatedAt, last.CreatedAt, last.UpdatedAt)
		}
		if read := x.present("k"); !read.Equal(next) {
			x.Fatalf("%s gave %+v, and what is read is %+v", op.Kind, next, read)
		}
		last = next
	}
	x.do(del("k"))
	if again := x.do(put("k", `1`)); again.CreatedAt.Before(last.UpdatedAt) || !again.CreatedAt.Equal(again.UpdatedAt) || !again.ExpiresAt.IsZero() {
		x.Fatalf("a new life has the times %v, %v and %v", again.CreatedAt, again.UpdatedAt, again.ExpiresAt)
	}
}

func tablesCount(x *subject) {
	x.tables()
	x.apply(put("a", `1`), put("b", `1`), put("c", `1`), store.Op{Kind: store.Put, Ref: store.Ref{Table: "others", Key: "a"}, Value: doc(`1`)})
	x.apply(del("a"), get("none"))
	x.read(store.Ref{Table: "unknown", Key: "a"})
	for _, info := range x.tables("others", things) {
		want := map[string]int64{"others": 1, things: 2}[info.Name]
		if !info.Estimated && info.Entries != want {
			x.Fatalf("table %s has %d entries, want %d", info.Name, info.Entries, want)
		}
	}
}

func tableOfTombstones(x *subject) {
	x.do(put("a", `1`))
	x.do(del("a"))
	if info := x.tables(things)[0]; info.Entries != 0 && !info.Estimated {
		x.Fatalf("a table of tombstones has %d entries", info.Entries)
	}
}

func versionFloor(x *subject) {
	for range 4 {
		x.do(put("k", `1`))
	}
	gone := x.do(del("k"))
	x.do(put("stays", `1`))
	x.forget()
	x.absent("k")
	if e := x.do(onlyIf(ifAbsent, put("k", `1`))); e.Version <= gone.Version {
		x.Fatalf("version %d, after the tombstone of version %d was cleaned up", e.Version, gone.Version)
	}
	if e := x.do(put("stays", `2`)); e.Version != 2 {
		x.Fatalf("an entry that stayed went on at version %d", e.Version)
	}
}

func versionsSurvive(x *subject) {
	x.do(put("k", `1`))
	x.do(put("k", `1`))
	x.do(put("gone", `1`))
	x.do(del("gone"))
	x.reopen()
	if e := x.do(put("k", `1`)); e.Version != 3 {
		x.Fatalf("after reopening version %d, want 3", e.Version)
	}
	if e := x.do(put("gone", `1`)); e.Version != 3 {
		x.Fatalf("after reopening version %d of what was deleted, want 3", e.Version)
	}
}
