package storetest

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"larder/internal/store"
)

func copyTests() []test {
	return []test{
		{name: "what is kept is found again", run: copiesFound},
		{name: "copies of what does not exist", run: copiesOfAbsent},
		{name: "the newest copy stays", run: copiesNewestStays},
		{name: "a lease goes to one", run: copiesLease},
		{name: "a lease ends", run: copiesLeaseEnds},
		{name: "names are kept apart", run: copiesApart},
		{name: "copies are no entries", needs: []Topic{WholeFeed}, run: copiesAreNoEntries},
		{name: "a space is dropped", run: copiesDropped},
		{name: "many at once", run: copiesMany},
		{name: "bad names are refused", run: copiesBadNames},
	}
}

// space is the one that most tests use.
const space = "home"

func (x *subject) cacher() store.Cacher {
	x.Helper()
	c, ok := store.As[store.Cacher](x.s)
	if !ok {
		x.Fatal("the store keeps no copies")
	}
	return c
}

func (x *subject) keep(copies ...store.Copy) {
	x.Helper()
	x.expect("Keep", x.cacher().Keep(x.Context(), space, copies), "")
}

func (x *subject) look(key string, lease time.Duration) (store.Copy, store.Sight) {
	x.Helper()
	c, sight, err := x.cacher().Look(x.Context(), space, ref(key), lease)
	x.expect("Look", err, "")
	return c, sight
}

// held is a copy that has to be there.
func (x *subject) held(want store.Copy) {
	x.Helper()
	got, sight := x.look(want.Entry.Key, 0)
	if sight != store.Held {
		x.Fatalf("of %q there is no copy, but %v", want.Entry.Key, sight)
	}
	if got.Horizon != want.Horizon || got.Epoch != want.Epoch || !got.Entry.Equal(want.Entry) {
		x.Fatalf("the copy is %s of %d at %d, want %s of %d at %d",
			show(got.Entry), got.Epoch, got.Horizon, show(want.Entry), want.Epoch, want.Horizon)
	}
}

// copyOf makes a copy of an entry with a value.
func copyOf(key, text string, version int64, horizon store.Horizon) store.Copy {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	return store.Copy{
		Entry:   store.Entry{Ref: ref(key), Value: put(key, text).Value, Version: version, CreatedAt: at, UpdatedAt: at.Add(time.Second)},
		Horizon: horizon, Epoch: 1<<63 + 7,
	}
}

func copiesFound(x *subject) {
	if _, sight := x.look("a", 0); sight != store.Nothing {
		x.Fatalf("of what was never kept there is %v", sight)
	}
	plain := copyOf("a", `{"n":12345678901234567890}`, 3, 40)
	rich := copyOf("b", `1`, 1<<62, 1<<62)
	rich.Entry.Metadata = map[string]string{"tier": "gold", "": "none", "ü": strings.Repeat("x", 300)}
	rich.Entry.ExpiresAt = time.Now().Add(hours).UTC().Truncate(time.Microsecond)
	bytes := copyOf("c", `1`, 1, 0)
	bytes.Entry.Value = opaque([]byte{0, 1, 255})
	empty := copyOf("d", `1`, 1, 1)
	empty.Entry.Value = opaque(nil)
	large := copyOf("e", `"`+strings.Repeat("y", x.limits.MaxValueBytes-2)+`"`, 1, 1)
	all := []store.Copy{plain, rich, bytes, empty, large}
	x.keep(all...)
	for _, c := range all {
		x.held(c)
	}
}

func copiesOfAbsent(x *subject) {
	for i, version := range []int64{0, 1, 1 << 40} {
		key := fmt.Sprint("k", i)
		x.keep(store.Copy{Entry: store.Entry{Ref: ref(key), Version: version}.Absent(), Horizon: 5, Epoch: 9})
		x.held(store.Copy{Entry: store.Entry{Ref: ref(key), Version: version}.Absent(), Horizon: 5, Epoch: 9})
	}
}

func copiesNewestStays(x *subject) {
	for _, pair := range []struct {
		name     string
		old, new store.Copy
	}{
		{"version", copyOf("a", `1`, 255, 90), copyOf("a", `2`, 256, 10)},
		{"high", copyOf("b", `1`, 1<<32-1, 90), copyOf("b", `2`, 1<<32, 10)},
		{"highest", copyOf("c", `1`, 1<<62, 90), copyOf("c", `2`, 1<<62+1, 10)},
		{"horizon", copyOf("d", `1`, 5, 1<<40), copyOf("d", `1`, 5, 1<<40+1)},
		{"deletion", copyOf("e", `1`, 5, 9), store.Copy{Entry: store.Entry{Ref: ref("e"), Version: 6}.Absent(), Horizon: 8, Epoch: 1<<63 + 7}},
	} {
		x.keep(pair.old)
		x.keep(pair.new)
		x.held(pair.new)
		x.keep(pair.old)
		x.held(pair.new)
		if pair.name == "deletion" {
			continue
		}
		x.keep(pair.old, pair.new, pair.old)
		x.held(pair.new)
	}
	// What is newer in another epoch is not known.
	first, second := copyOf("z", `1`, 9, 9), copyOf("z", `2`, 1, 1)
	second.Epoch = 3
	x.keep(first)
	x.keep(second)
	x.held(second)
	x.keep(first)
	x.held(first)
}

func copiesLease(x *subject) {
	const long = time.Minute
	for round := range 5 {
		key := fmt.Sprint("k", round)
		var granted, others atomic.Int64
		together(10, func(int) {
			_, sight, err := x.cacher().Look(x.Context(), space, ref(key), long)
			switch {
			case err != nil:
				x.Errorf("Look: %v", err)
			case sight == store.Granted:
				granted.Add(1)
			case sight == store.Leased:
				others.Add(1)
			}
		})
		if granted.Load() != 1 || others.Load() != 9 {
			x.Fatalf("of ten who looked %d have the lease, and %d wait for one", granted.Load(), others.Load())
		}
		if _, sight := x.look(key, 0); sight != store.Nothing {
			x.Fatalf("who asks for no lease sees %v", sight)
		}
		c := copyOf(key, `1`, 1, 1)
		x.keep(c)
		x.held(c)
		if _, sight := x.look(key, long); sight != store.Held {
			x.Fatalf("once the gap is filled one sees %v", sight)
		}
	}
}

func copiesLeaseEnds(x *subject) {
	if _, sight := x.look("a", 30*time.Millisecond); sight != store.Granted {
		x.Fatalf("the first sees %v", sight)
	}
	x.eventually("a lease to end", func() bool {
		_, sight := x.look("a", time.Minute)
		return sight == store.Granted
	})
}

func copiesApart(x *subject) {
	keys := []string{"a", "a:b", "b", ":", "{a}", "a}", "{", "a/b", "*", "?", "[a]", `\`, "ü", "a\u0301", "á", "😀", strings.Repeat("k", 1024), " "}
	var all []store.Copy
	for i, key := range keys {
		for _, table := range []string{things, "others", "a"} {
			c := copyOf(key, strconv.Itoa(i), int64(i+1), 1)
			c.Entry.Table = table
			all = append(all, c)
		}
	}
	x.keep(all...)
	for _, c := range all {
		got, sight, err := x.cacher().Look(x.Context(), space, c.Entry.Ref, 0)
		x.expect("Look", err, "")
		if sight != store.Held || !got.Entry.Equal(c.Entry) {
			x.Fatalf("of %v there is %v: %s, want %s", c.Entry.Ref, sight, show(got.Entry), show(c.Entry))
		}
		if _, sight, err := x.cacher().Look(x.Context(), "other", c.Entry.Ref, 0); err != nil || sight != store.Nothing {
			x.Fatalf("in another space there is %v of it (%v)", sight, err)
		}
	}
}

func copiesAreNoEntries(x *subject) {
	x.keep(copyOf("a", `1`, 3, 3), copyOf("b", `2`, 3, 3))
	x.tables()
	if got := x.everything(); len(got) != 0 {
		x.Fatalf("copies are in a scan: %q", keysOf(got))
	}
	x.absent("a", "b")
	if got := x.feed(store.Changes{}).Changes; len(got) != 0 {
		x.Fatalf("copies are in the feed: %q", shown(got))
	}
	if e := x.do(put("a", `9`)); e.Version != 1 {
		x.Fatalf("an entry beside its copy got version %d", e.Version)
	}
	x.held(copyOf("a", `1`, 3, 3))
}

func copiesDropped(x *subject) {
	x.do(put("a", `1`))
	var all []store.Copy
	for i := range 300 {
		all = append(all, copyOf(fmt.Sprint("k", i), `1`, 1, 1))
	}
	x.keep(all...)
	x.expect("Keep", x.cacher().Keep(x.Context(), "homes", all[:1]), "")
	x.expect("Drop", x.cacher().Drop(x.Context(), space), "")
	for _, c := range all {
		if _, sight := x.look(c.Entry.Key, 0); sight != store.Nothing {
			x.Fatalf("%q has been dropped, and there is %v", c.Entry.Key, sight)
		}
	}
	if _, sight, err := x.cacher().Look(x.Context(), "homes", all[0].Entry.Ref, 0); err != nil || sight != store.Held {
		x.Fatalf("of another space there is %v left (%v)", sight, err)
	}
	x.present("a")
}

func copiesMany(x *subject) {
	var all []store.Copy
	for i := range 1000 {
		all = append(all, copyOf(fmt.Sprint("k", i), strconv.Itoa(i), 1, store.Horizon(i)))
	}
	x.keep(all...)
	for i := range all {
		x.held(all[i])
	}
	x.keep()
}

func copiesBadNames(x *subject) {
	bad := copyOf("a", `1`, 1, 1)
	bad.Entry.Key = ".."
	_, _, err := x.cacher().Look(x.Context(), space, bad.Entry.Ref, 0)
	x.expect("Look", err, store.InvalidKey)
	x.expect("Keep", x.cacher().Keep(x.Context(), space, []store.Copy{bad}), store.InvalidKey)
}
