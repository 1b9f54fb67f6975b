package storetest

import (
	"time"

	"larder/internal/store"
)

func ttlTests() []test {
	return []test{
		{name: "an end comes back as it was set", run: endsComeBack},
		{name: "a put ends the old life", run: putEndsOldLife},
		{name: "other operations keep the end", run: endKept},
		{name: "other operations set the end where told", needs: []Topic{ChangedEnds}, run: endChanged},
		{name: "expire sets, moves and takes away the end", run: expireSetsEnd},
		{name: "a default ttl is for what is created", needs: []Topic{DefaultTTL}, run: defaultTTL},
		{name: "bad ttls are refused", run: badTTLs},
		{name: "expired is absent everywhere at once", run: expiredIsAbsent},
		{name: "expired is absent in queries", needs: []Topic{Queries}, run: expiredIsAbsentInQueries},
		{name: "expired is absent for a unique index", needs: []Topic{UniqueIndexes}, run: expiredIsAbsentInIndexes},
		{name: "a new life after the end starts anew", run: newLifeAfterEnd},
		{name: "the end itself no longer belongs to the life", needs: []Topic{clock}, run: endIsExclusive},
		{name: "compare and swap around the end", needs: []Topic{clock}, run: swapAroundEnd},
		{name: "an end that was moved or taken away does not come", needs: []Topic{clock}, run: movedEnd},
		{name: "cleaning up makes a deletion of an end", needs: []Topic{maintenance}, run: endBecomesDeletion},
		{name: "ends survive closing", needs: []Topic{reopening}, run: endsSurvive},
	}
}

// now is the time by the store's clock.
func (x *subject) now() time.Time {
	x.Helper()
	return x.do(store.Op{Kind: store.Put, Ref: store.Ref{Table: "clock", Key: "now"}, Value: doc(`null`)}).UpdatedAt
}

// endsIn makes sure that an entry ends that long after it was last written.
func (x *subject) endsIn(e store.Entry, d time.Duration) {
	x.Helper()
	slack := max(2*time.Second, x.h.Resolution) // for a ttl that was turned into a time on the way
	if off := e.ExpiresAt.Sub(e.UpdatedAt) - d; e.ExpiresAt.IsZero() || off.Abs() > slack {
		x.Fatalf("%s was written at %v and should end %s later", show(e), e.UpdatedAt, d)
	}
	if read := x.present(e.Key); !read.ExpiresAt.Equal(e.ExpiresAt) {
		x.Fatalf("the end was said to be %v, and is read as %v", e.ExpiresAt, read.ExpiresAt)
	}
}

// endless makes sure that an entry has no end.
func (x *subject) endless(e store.Entry) {
	x.Helper()
	if read := x.present(e.Key); !e.ExpiresAt.IsZero() || !read.ExpiresAt.IsZero() {
		x.Fatalf("the end is %v, and is read as %v; there should be none", e.ExpiresAt, read.ExpiresAt)
	}
}

func endsComeBack(x *subject) {
	now := x.now()
	for i, at := range []time.Time{
		now.Add(hours),
		now.Add(hours + 123456*time.Microsecond),
		now.Add(hours + 789*time.Nanosecond),
		now.Add(hours).In(time.FixedZone("far east", 14*3600)),
		now.Add(store.MaxTTL - time.Hour),
	} {
		want := at.UTC().Truncate(time.Microsecond)
		written := x.do(living(store.ExpiresAt(at), put(number(i), `1`)))
		if read := x.present(number(i)); !written.ExpiresAt.Equal(want) || !read.ExpiresAt.Equal(want) || read.ExpiresAt.Location() != time.UTC {
			x.Fatalf("the end %v was said to be %v, and is read as %v", at, written.ExpiresAt, read.ExpiresAt)
		}
	}
	x.endsIn(x.do(living(store.ExpiresIn(hours), put("in", `1`))), hours)
	x.endsIn(x.do(living(store.ExpiresIn(store.MaxTTL-time.Hour), put("long", `1`))), store.MaxTTL-time.Hour)
	x.endless(x.do(living(store.NeverExpires(), put("never", `1`))))
	x.endless(x.do(living(store.KeepExpiry(), put("kept", `1`))))
	x.endless(x.do(put("unset", `1`)))
}

func putEndsOldLife(x *subject) {
	mortal := living(store.ExpiresIn(hours), put("k", `1`))
	x.do(mortal)
	x.endless(x.do(put("k", `2`)))
	x.do(mortal)
	x.endsIn(x.do(living(store.ExpiresIn(2*hours), put("k", `2`))), 2*hours)
	old := x.present("k").ExpiresAt
	if e := x.do(living(store.KeepExpiry(), put("k", `3`))); !e.ExpiresAt.Equal(old) {
		x.Fatalf("a put that keeps the end %v gave %v", old, e.ExpiresAt)
	}
	x.endless(x.do(living(store.NeverExpires(), put("k", `4`))))
	x.endless(x.do(living(store.KeepExpiry(), put("k", `5`))))
	x.do(mortal)
	x.do(del("k"))
	x.endless(x.do(put("k", `6`)))
	x.do(mortal)
	x.do(del("k"))
	x.endless(x.do(living(store.KeepExpiry(), put("k", `7`))))
}

func endKept(x *subject) {
	old := x.do(living(store.ExpiresIn(hours), put("k", `{"n":1}`))).ExpiresAt
	x.do(put("endless", `{"n":1}`))
	for _, change := range []func(key string) store.Op{
		func(key string) store.Op { return merge(key, `{"m":1}`) },
		func(key string) store.Op { return jsonPatch(key, `[{"op":"remove","path":"/m"}]`) },
		func(key string) store.Op { return addAt(key, "/n", `1`) },
	} {
		for _, e := range []store.Entry{x.do(change("k")), x.present("k")} {
			if !e.ExpiresAt.Equal(old) {
				x.Fatalf("the end was moved from %v to %v", old, e.ExpiresAt)
			}
		}
		x.endless(x.do(change("endless")))
	}
}

func endChanged(x *subject) {
	x.do(put("k", `{"n":1}`))
	for _, op := range []store.Op{merge("k", `{"m":1}`), jsonPatch("k", `[{"op":"add","path":"/m","value":2}]`), addAt("k", "/n", `1`)} {
		x.endsIn(x.do(living(store.ExpiresIn(hours), op)), hours)
		at := x.now().Add(2 * hours)
		if e := x.do(living(store.ExpiresAt(at), op)); !e.ExpiresAt.Equal(at) {
			x.Fatalf("%s set the end to %v, want %v", op.Kind, e.ExpiresAt, at)
		}
		if e := x.do(living(store.KeepExpiry(), op)); !e.ExpiresAt.Equal(at) {
			x.Fatalf("%s that keeps the end moved it to %v, from %v", op.Kind, e.ExpiresAt, at)
		}
		x.endless(x.do(living(store.NeverExpires(), op)))
		x.refuseOne(store.InvalidTTL, living(store.ExpiresIn(0), op))
	}
	x.endsIn(x.do(living(store.ExpiresIn(hours), addFrom("new", `1`, `0`))), hours)
	x.endless(x.do(living(store.KeepExpiry(), addFrom("kept", `1`, `0`))))
}

func expireSetsEnd(x *subject) {
	written := x.do(tagged(map[string]string{"a": "b"}, put("k", `{"n":1}`)))
	x.endsIn(x.do(expire("k", store.ExpiresIn(hours))), hours)
	x.endsIn(x.do(expire("k", store.ExpiresIn(3*hours))), 3*hours)
	at := x.now().Add(hours)
	if e := x.do(expire("k", store.ExpiresAt(at))); !e.ExpiresAt.Equal(at) {
		x.Fatalf("the end is %v, want %v", e.ExpiresAt, at)
	}
	x.endless(x.do(expire("k", store.NeverExpires())))
	e := x.present("k")
	if !e.Value.Equal(written.Value) || e.Version != 5 || e.Metadata["a"] != "b" {
		x.Fatalf("all the expiring left %s", show(e))
	}
	x.refuseOne(store.NotFound, expire("none", store.ExpiresIn(hours)))
	x.refuseOne(store.InvalidTTL, expire("k", store.Expiry{}))
	x.refuseOne(store.InvalidTTL, expire("k", store.KeepExpiry()))
}

func defaultTTL(x *subject) {
	byDefault := func(op store.Op) store.Op {
		op.DefaultTTL = hours
		return op
	}
	x.endsIn(x.do(byDefault(put("k", `{"n":1}`))), hours)
	x.endsIn(x.do(byDefault(put("k", `{"n":1}`))), hours)
	x.endless(x.do(expire("k", store.NeverExpires())))
	x.endless(x.do(byDefault(merge("k", `{"m":1}`))))
	x.endless(x.do(byDefault(living(store.KeepExpiry(), put("k", `{"n":2}`)))))
	x.endsIn(x.do(byDefault(living(store.ExpiresIn(2*hours), put("k", `{"n":1}`)))), 2*hours)
	x.endless(x.do(byDefault(living(store.NeverExpires(), put("k", `{"n":1}`)))))
	x.endsIn(x.do(byDefault(living(store.KeepExpiry(), put("new", `1`)))), hours)
	x.endsIn(x.do(byDefault(addFrom("counter", `1`, `0`))), hours)
}

func badTTLs(x *subject) {
	x.do(put("k", `{"n":1}`))
	now := x.now()
	ops := []store.Op{put("k", `2`), put("new", `2`), expire("k", store.Expiry{})}
	if !x.lacks(ChangedEnds) {
		ops = append(ops, merge("k", `{"n":2}`), addAt("k", "/n", `1`), addFrom("new", `1`, `0`))
	}
	for _, end := range []store.Expiry{
		store.ExpiresIn(0), store.ExpiresIn(-time.Second), store.ExpiresIn(store.MaxTTL + time.Second), store.ExpiresIn(1<<63 - 1),
		store.ExpiresAt(now), store.ExpiresAt(now.Add(-time.Hour)), store.ExpiresAt(time.Time{}), store.ExpiresAt(time.Unix(0, 0)), store.ExpiresAt(now.Add(store.MaxTTL + time.Hour)),
	} {
		for _, op := range ops {
			x.refuseOne(store.InvalidTTL, living(end, op))
		}
	}
}

// mortals writes entries of which only those that stay outlive the wait.
func (x *subject) mortals() (gone, stay []string) {
	gone, stay = []string{"dir/gone", "gone", "gone/a", "gone/b"}, []string{"dir/stays", "later", "stays", "stays/a"}
	for _, key := range stay {
		x.do(put(key, `{"n":1}`))
		x.tick()
	}
	x.do(living(store.ExpiresIn(hours), put("later", `{"n":1}`)))
	x.applyEach(gone, func(key string) store.Op { return living(store.ExpiresIn(x.lifetime()), put(key, `{"n":1}`)) })
	x.outlive(gone...)
	return gone, stay
}

func expiredIsAbsent(x *subject) {
	gone, stay := x.mortals()
	x.absent(gone...)
	for _, key := range stay {
		x.present(key)
	}
	x.sameKeys("scan", x.everything(), stay...)
	x.sameKeys("scan by prefix", x.scan(store.Scan{Table: things, Prefix: "gone"}).Entries)
	x.sameKeys("scan in small pages", x.scan(store.Scan{Table: things, Limit: 1}).Entries, stay...)
	x.sameKeys("scan backwards", x.scan(store.Scan{Table: things, Prefix: "dir/", Reverse: true}).Entries, "dir/stays")
	x.sameKeys("scan of keys", x.scan(store.Scan{Table: things, KeysOnly: true}).Entries, stay...)
	x.sameKeys("scan by change", x.scan(store.Scan{Table: things, Order: store.ByChange}).Entries, "dir/stays", "stays", "stays/a", "later")
	x.sameKeys("scan by expiry", x.scan(store.Scan{Table: things, Order: store.ByExpiry}).Entries, "later")
	if got := x.scan(store.Scan{Table: things, Delimiter: "/"}).Prefixes; len(got) != 2 || got[0] != "dir/" || got[1] != "stays/" {
		x.Fatalf("the groups are %q", got)
	}
	if info := x.tables(things)[0]; !info.Estimated && info.Entries != int64(len(stay)) {
		x.Fatalf("the table is said to have %d entries, want %d", info.Entries, len(stay))
	}
	for _, key := range gone {
		for _, op := range []store.Op{merge(key, `{}`), jsonPatch(key, `[]`), addAt(key, "/n", `1`), expire(key, store.NeverExpires()), check(key, ifExists), onlyIf(store.IfVersion(1), put(key, `1`))} {
			x.refuseOne(store.NotFound, op)
		}
		if r := x.apply(get(key), check(key, ifAbsent)); r[0].Entry.Exists() || r[1].Entry.Exists() {
			x.Fatalf("a batch sees %s", show(r[0].Entry))
		}
		if r := x.apply(del(key))[0]; r.Changed {
			x.Fatalf("deleting what has expired gave %s", show(r.Entry))
		}
	}
	n, err := store.DeleteRange(x.Context(), x.s, store.Removal{Table: things})
	x.expect("DeleteRange", err, "")
	if n != int64(len(stay)) {
		x.Fatalf("%d were deleted, want %d", n, len(stay))
	}
}

func expiredIsAbsentInQueries(x *subject) {
	_, stay := x.mortals()
	searcher, _ := store.As[store.Searcher](x.s)
	found, err := searcher.Search(x.Context(), store.Query{Table: things})
	x.expect("Search", err, "")
	x.sameKeys("query", found.Entries, stay...)
	counted, err := searcher.Count(x.Context(), store.Query{Table: things})
	x.expect("Count", err, "")
	if counted.Count != int64(len(stay)) {
		x.Fatalf("the count is %d, want %d", counted.Count, len(stay))
	}
}

func expiredIsAbsentInIndexes(x *subject) {
	x.unique("by_email", "/email")
	x.do(living(store.ExpiresIn(x.lifetime()), put("old", `{"email":"ada@example.org"}`)))
	x.outlive("old")
	x.do(put("new", `{"email":"ada@example.org"}`))
	x.refuseOne(store.UniqueViolation, put("old", `{"email":"ada@example.org"}`))
}

func newLifeAfterEnd(x *subject) {
	old := x.do(tagged(map[string]string{"a": "b"}, living(store.ExpiresIn(x.lifetime()), put("k", `1`))))
	x.do(living(store.ExpiresIn(x.lifetime()), put("counter", `41`)))
	x.outlive("k", "counter")
	again := x.do(onlyIf(ifAbsent, put("k", `2`)))
	if again.Version <= old.Version || again.CreatedAt.Before(old.ExpiresAt) || !again.CreatedAt.Equal(again.UpdatedAt) || !again.ExpiresAt.IsZero() || len(again.Metadata) != 0 {
		x.Fatalf("after the end of %+v came %+v", old, again)
	}
	if e := x.present("k"); !e.Equal(again) {
		x.Fatalf("written was %+v, read is %+v", again, e)
	}
	x.endless(x.do(addFrom("counter", `1`, `0`)))
	if e := x.present("counter"); string(e.Value.Data) != `1` {
		x.Fatalf("a counter went on after its end: %s", show(e))
	}
}

func endIsExclusive(x *subject) {
	e := x.do(living(store.ExpiresIn(time.Hour), put("k", `1`)))
	x.h.Advance(x.s, e.ExpiresAt.Sub(e.UpdatedAt)-time.Microsecond)
	x.present("k")
	x.do(check("k", ifExists))
	x.h.Advance(x.s, time.Microsecond)
	x.absent("k")
	x.refuseOne(store.NotFound, check("k", ifExists))
}

// swapAroundEnd swaps at the last moment of a life, and tries to at the end.
func swapAroundEnd(x *subject) {
	step := max(time.Microsecond, x.h.Resolution)
	e := x.do(tagged(map[string]string{"a": "b"}, living(store.ExpiresIn(hours), put("k", `{"n":1}`))))
	x.h.Advance(x.s, e.ExpiresAt.Sub(e.UpdatedAt)-step)
	last := x.do(onlyIf(store.IfVersion(e.Version), living(store.KeepExpiry(), put("k", `{"n":2}`))))
	if !last.ExpiresAt.Equal(e.ExpiresAt) || last.ExpiresAt.Sub(last.UpdatedAt) != step {
		x.Fatalf("at the last moment of %+v it was swapped for %+v", e, last)
	}
	x.h.Advance(x.s, step)
	for _, condition := range []store.Precondition{store.IfVersion(last.Version), store.IfVersion(e.Version), store.IfVersion(last.Version + 1), ifExists} {
		for _, op := range []store.Op{
			put("k", `{"n":3}`), living(store.KeepExpiry(), put("k", `{"n":3}`)), merge("k", `{"n":3}`), jsonPatch("k", `[]`), addAt("k", "/n", `1`), addFrom("k", `1`, `0`), expire("k", store.ExpiresIn(hours)), del("k"), check("k", ifExists),
		} {
			if err := x.refuseOne(store.NotFound, onlyIf(condition, op)); !err.Precondition {
				x.Fatalf("after the end, %s under %+v failed with %v, which says it is no precondition", op.Kind, condition, err)
			}
		}
	}
	if !x.lacks(Together) {
		err := x.refuse(store.BatchFailed, put("other", `1`), check("k", store.IfVersion(last.Version)))
		if len(err.Failures) != 1 || err.Failures[0].Index != 1 || err.Failures[0].Err.Code != store.NotFound {
			x.Fatalf("the failures are %+v", err.Failures)
		}
	}
	again := x.do(onlyIf(ifAbsent, living(store.KeepExpiry(), put("k", `{"n":4}`))))
	if again.Version <= last.Version || !again.CreatedAt.Equal(again.UpdatedAt) || len(again.Metadata) != 0 {
		x.Fatalf("after the end of %+v came %+v", last, again)
	}
	x.endless(again)
	x.refuseOne(store.VersionMismatch, onlyIf(store.IfVersion(last.Version), put("k", `{"n":5}`)))
}

func movedEnd(x *subject) {
	for _, key := range []string{"moved", "taken", "replaced", "kept"} {
		x.do(living(store.ExpiresIn(x.lifetime()), put(key, `{"n":1}`)))
	}
	x.do(expire("moved", store.ExpiresIn(10*x.lifetime())))
	x.do(expire("taken", store.NeverExpires()))
	x.do(put("replaced", `{"n":2}`))
	x.do(merge("kept", `{"n":2}`))
	x.outlive("kept")
	x.sameKeys("after the first end", x.everything(), "moved", "replaced", "taken")
	x.h.Advance(x.s, 9*x.lifetime())
	x.sameKeys("after the moved end", x.everything(), "replaced", "taken")
	x.h.Advance(x.s, store.MaxTTL)
	x.sameKeys("ten years later", x.everything(), "replaced", "taken")
}

func endBecomesDeletion(x *subject) {
	x.do(put("stays", `1`))
	old := x.do(living(store.ExpiresIn(x.lifetime()), put("k", `1`)))
	x.outlive("k")
	maintainer, _ := store.As[store.Maintainer](x.s)
	x.expect("cleanup", maintainer.Maintain(x.Context(), store.Maintenance{Action: store.Cleanup}), "")
	var got []store.Change
	for _, c := range x.feed(store.Changes{Table: things}).Changes {
		if c.Key == "k" {
			got = append(got, c)
		}
	}
	if len(got) != 1 || !got[0].Deleted || got[0].Version < old.Version {
		x.Fatalf("once cleaned up, the feed shows %+v of what has expired", got)
	}
	x.absent("k")
	x.present("stays")
}

func endsSurvive(x *subject) {
	x.do(living(store.ExpiresIn(x.lifetime()), put("gone", `1`)))
	x.do(living(store.ExpiresIn(hours), put("later", `1`)))
	x.reopen()
	x.outlive("gone")
	x.sameKeys("after reopening", x.everything(), "later")
}
