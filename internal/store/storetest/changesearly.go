package storetest

import (
	"errors"

	"larder/internal/store"
)

func feedOfKeys(x *subject) {
	x.apply(put("a", `{"n":1}`), tagged(map[string]string{"tier": "gold"}, living(store.ExpiresIn(hours), putValue("b", opaque([]byte{1, 2})))), put("c", `3`))
	x.do(tagged(map[string]string{"tier": "gold"}, put("d", `"long"`)))
	x.do(del("c"))
	whole := x.feed(store.Changes{Table: things})
	for _, early := range []bool{false, true} {
		for _, limit := range []int{0, 1} {
			bare := x.sweep(store.Changes{Table: things, KeysOnly: true, Early: early, Limit: limit})
			if len(bare) != len(whole.Changes) {
				x.Fatalf("the feed without values has %d changes, with values %d", len(bare), len(whole.Changes))
			}
			for i, change := range bare {
				if want := whole.Changes[i].WithoutValue(); !change.Equal(want) {
					x.Errorf("without its value the change is %s, want %s", show(change.Entry), show(want))
				}
			}
		}
	}
}

// sweep reads pages up to the one that has no other after it.
func (x *subject) sweep(c store.Changes) []store.Change {
	x.Helper()
	var all []store.Change
	for {
		feed := x.changes(c)
		if all = append(all, feed.Changes...); !feed.More {
			return all
		}
		c.Since = feed.Next
	}
}

func feedTellsTime(x *subject) {
	first := x.changes(store.Changes{Table: things})
	if first.Now.IsZero() {
		x.Fatal("a page of an empty feed tells no time")
	}
	x.do(living(store.ExpiresIn(x.lifetime()), put("a", `1`)))
	ends := x.present("a").ExpiresAt
	if now := x.changes(store.Changes{Table: things}).Now; now.Before(first.Now) || now.After(ends) && x.get("a").Exists() {
		x.Errorf("the feed's clock shows %v, after %v, and the entry that ends at %v is there", now, first.Now, ends)
	}
	x.outlive("a")
	if now := x.changes(store.Changes{Table: things}).Now; now.Before(ends) {
		x.Errorf("the entry ended at %v, and the feed's clock shows %v", ends, now)
	}
}

func feedEarly(x *subject) {
	since := x.feed(store.Changes{Table: things}).Next
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		x.tick()
		x.do(put(key, `1`))
		early := x.sweep(store.Changes{Table: things, Since: since, Early: true, Limit: 2})
		if n := len(early); n == 0 || early[n-1].Key != key {
			x.Fatalf("%q has been written, and is not what came last of the early: %q", key, shown(early))
		}
	}
	x.shows(store.Changes{Since: since}, "a:1 b:1 c:1 d:1 e:1")
	_, err := x.s.Changes(x.Context(), store.Changes{Table: things, Early: true, Wait: patience})
	x.expect("waiting for what is early", err, store.InvalidScan)
}

// feedFromNow may see something of before again, and nothing of after is missing.
func feedFromNow(x *subject) {
	x.shows(store.Changes{FromNow: true}, "")
	for i, key := range []string{"a", "b", "c"} {
		x.tick()
		x.do(put(key, `1`))
		for _, table := range []string{things, ""} {
			if table == "" && x.lacks(WholeFeed) {
				continue
			}
			from := x.changes(store.Changes{Table: table, FromNow: true})
			if from.More || len(from.Changes) > i+1 {
				x.Fatalf("from now on there is already %q", shown(from.Changes))
			}
			x.tick()
			x.do(put("next", `1`))
			after := x.sweep(store.Changes{Table: table, Since: from.Next, Early: true})
			if n := len(after); n == 0 || after[n-1].Key != "next" {
				x.Fatalf("after now came %q", shown(after))
			}
		}
	}
	done := make(chan error, 1)
	go func() {
		feed, err := x.s.Changes(x.Context(), store.Changes{Table: things, FromNow: true, Wait: patience})
		if err == nil && len(feed.Changes) == 0 {
			err = errors.New("waiting from now on came to nothing")
		}
		done <- err
	}()
	x.eventually("a write to end the waiting from now on", func() bool {
		x.do(put("again", `1`))
		select {
		case err := <-done:
			x.expect("waiting from now on", err, "")
			return true
		default:
			return false
		}
	})
	_, err := x.s.Changes(x.Context(), store.Changes{Table: things, FromNow: true, Since: x.changes(store.Changes{Table: things}).Next})
	x.expect("a reader from now on and from a cursor", err, store.InvalidScan)
}
