package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"larder/internal/store"
)

func changeTests() []test {
	return []test{
		{name: "each key comes once, at its latest", run: feedShowsLatest},
		{name: "a cursor goes on where it was given", run: feedGoesOn},
		{name: "a cursor of a single change goes on after it", run: feedGoesOnAfterChange},
		{name: "tables and prefixes narrow it down", run: feedNarrowed},
		{name: "all tables at once", needs: []Topic{WholeFeed}, run: feedOfAllTables},
		{name: "pages of every size show every key", run: feedPages},
		{name: "a page says whether there is another", needs: []Topic{Horizons}, run: feedSaysMore},
		{name: "horizons move with what is written", needs: []Topic{Horizons}, run: feedHorizons},
		{name: "a page without values", needs: []Topic{BareFeed}, run: feedOfKeys},
		{name: "a page tells the clock by which entries end", needs: []Topic{BareFeed}, run: feedTellsTime},
		{name: "a reader from now on", needs: []Topic{BareFeed}, run: feedFromNow},
		{name: "what is early comes again", needs: []Topic{BareFeed}, run: feedEarly},
		{name: "waiting ends with a write", run: feedWakes},
		{name: "waiting does not end with another key's write", run: feedSleepsOn},
		{name: "waiting that comes to nothing gives a cursor", run: feedWaitsInVain},
		{name: "waiting ends with its context", run: feedWaitCanceled},
		{name: "a bad cursor is refused", run: feedBadCursor},
		{name: "bad bounds are refused", run: feedBadBounds},
		{name: "a cursor from before what is known is refused", needs: []Topic{clock, maintenance}, run: feedCompacted},
		{name: "a reader that began after deletions were forgotten goes through", needs: []Topic{clock, maintenance}, run: feedBegunAfterForgetting},
		{name: "a reader misses nothing of what many write", run: feedMissesNothing},
	}
}

// shown lists changes as key and version, a deletion with a minus.
func shown(changes []store.Change) string {
	var parts []string
	for _, c := range changes {
		sign := ""
		if c.Deleted {
			sign = "-"
		}
		parts = append(parts, fmt.Sprintf("%s%s:%d", sign, c.Key, c.Version))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// shows makes sure of all that a feed shows, in any order.
func (x *subject) shows(c store.Changes, want string) store.Cursor {
	x.Helper()
	if c.Table == "" {
		c.Table = things
	}
	feed := x.feed(c)
	if got := shown(feed.Changes); got != want {
		x.Fatalf("the feed of %+v shows %q, want %q", c, got, want)
	}
	return feed.Next
}

func feedShowsLatest(x *subject) {
	x.shows(store.Changes{}, "")
	x.do(put("a", `1`))
	x.apply(put("b", `1`), put("c", `1`), put("d", `1`))
	x.do(put("a", `{"n":2}`))
	x.do(del("b"))
	x.do(merge("a", `{"m":3}`))
	x.do(tagged(map[string]string{"tier": "gold"}, living(store.ExpiresIn(hours), putValue("d", opaque([]byte{1})))))
	x.apply(del("none"), check("a", ifExists), get("b"))
	x.shows(store.Changes{}, "-b:2 a:3 c:1 d:2")
	for _, c := range x.feed(store.Changes{Table: things}).Changes {
		if c.Cursor == "" {
			x.Fatalf("the change of %q has no cursor", c.Key)
		}
		if c.Deleted {
			if c.Exists() || !c.Value.IsZero() || len(c.Metadata) != 0 || !c.ExpiresAt.IsZero() || c.UpdatedAt.IsZero() {
				x.Fatalf("the deletion is %+v", c.Entry)
			}
			continue
		}
		if e := x.present(c.Key); !e.Equal(c.Entry) {
			x.Fatalf("the feed shows %+v, there is %+v", c.Entry, e)
		}
	}
	x.do(put("b", `2`))
	x.shows(store.Changes{}, "a:3 b:3 c:1 d:2")
}

func feedGoesOn(x *subject) {
	start := x.shows(store.Changes{}, "")
	x.do(put("a", `1`))
	afterA := x.shows(store.Changes{Since: start}, "a:1")
	x.apply(put("b", `1`), put("c", `1`))
	afterC := x.shows(store.Changes{Since: afterA}, "b:1 c:1")
	x.do(put("a", `2`))
	x.do(del("b"))
	x.shows(store.Changes{Since: afterC}, "-b:2 a:2")
	x.shows(store.Changes{Since: afterA}, "-b:2 a:2 c:1")
	end := x.shows(store.Changes{Since: start}, "-b:2 a:2 c:1")
	x.shows(store.Changes{Since: end}, "")
	x.shows(store.Changes{Since: end}, "")
	x.do(put("d", `1`))
	x.shows(store.Changes{Since: end}, "d:1")
}

func feedGoesOnAfterChange(x *subject) {
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		x.do(put(key, `1`))
	}
	all := x.feed(store.Changes{Table: things}).Changes
	for i, c := range all {
		x.shows(store.Changes{Since: c.Cursor}, shown(all[i+1:]))
	}
}

func feedNarrowed(x *subject) {
	elsewhere := put("a/1", `1`)
	elsewhere.Ref.Table = "others"
	x.apply(put("a/1", `1`), put("a/2", `1`), put("b/1", `1`), put("a%", `1`), put("a_", `1`), put("é", `1`), elsewhere)
	x.do(del("a/2"))
	x.shows(store.Changes{Table: "others"}, "a/1:1")
	x.shows(store.Changes{Table: "never"}, "")
	x.shows(store.Changes{Prefix: "a/"}, "-a/2:2 a/1:1")
	x.shows(store.Changes{Prefix: "a%"}, "a%:1")
	x.shows(store.Changes{Prefix: "a_"}, "a_:1")
	x.shows(store.Changes{Prefix: "é"}, "é:1")
	x.shows(store.Changes{Prefix: "e"}, "")
	end := x.shows(store.Changes{Prefix: "b", Limit: 1}, "b/1:1")
	x.apply(put("b/2", `1`), put("a/3", `1`))
	x.shows(store.Changes{Prefix: "b", Since: end}, "b/2:1")
}

func feedOfAllTables(x *subject) {
	elsewhere := put("a", `1`)
	elsewhere.Ref.Table = "others"
	x.apply(put("a", `1`), elsewhere, put("b", `1`))
	x.do(del("b"))
	for _, limit := range []int{0, 1, 2} {
		got := map[string]string{}
		for _, c := range x.feed(store.Changes{Limit: limit}).Changes {
			got[c.Table+"/"+c.Key] = shown([]store.Change{c})
		}
		if len(got) != 3 || got[things+"/a"] != "a:1" || got["others/a"] != "a:1" || got[things+"/b"] != "-b:2" {
			x.Fatalf("the feed of all tables shows %v", got)
		}
	}
}

func feedPages(x *subject) {
	var keys []string
	for i := range 23 {
		keys = append(keys, fmt.Sprintf("%02d", i))
	}
	x.fill(keys...)
	x.applyEach(keys[5:10], del)
	for _, limit := range []int{1, 2, 5, 22, 23, 24, x.limits.MaxPage} {
		feed := x.feed(store.Changes{Table: things, Limit: limit})
		got := map[string]int{}
		for _, c := range feed.Changes {
			got[c.Key]++
			if c.Deleted != slices.Contains(keys[5:10], c.Key) {
				x.Fatalf("the feed shows %s", show(c.Entry))
			}
		}
		for _, key := range keys {
			if got[key] == 0 {
				x.Fatalf("pages of %d do not show %q", limit, key)
			}
		}
	}
}

func feedSaysMore(x *subject) {
	x.fill("a", "b", "c")
	since := store.Cursor("")
	for i := range 3 {
		page := x.changes(store.Changes{Table: things, Since: since, Limit: 1})
		if len(page.Changes) != 1 || page.More != (i < 2) {
			x.Fatalf("page %d shows %q, and more %v", i, shown(page.Changes), page.More)
		}
		since = page.Next
	}
	if page := x.changes(store.Changes{Table: things, Since: since}); page.More {
		x.Fatal("an empty page says there is more")
	}
}

func feedHorizons(x *subject) {
	horizon := func() store.Horizon {
		x.Helper()
		read, err := x.s.Get(x.Context(), []store.Ref{ref("k")})
		x.expect("Get", err, "")
		return read.Horizon
	}
	last, since := horizon(), store.Cursor("")
	for i := range 5 {
		x.do(put("k", number(i)))
		x.eventually("the horizon to pass a write", func() bool { return horizon() > last })
		read := horizon()
		x.eventually("the feed's horizon to reach that of a read", func() bool {
			feed := x.feed(store.Changes{Table: things, Since: since})
			since = feed.Next
			if feed.Horizon < last {
				x.Fatalf("the feed's horizon went back from %d to %d", last, feed.Horizon)
			}
			return feed.Horizon >= read
		})
		last = read
	}
}

// waiting asks for changes in the background.
func (x *subject) waiting(ctx context.Context, c store.Changes) <-chan error {
	done := make(chan error, 1)
	go func() {
		feed, err := x.s.Changes(ctx, c)
		if err == nil && len(feed.Changes) == 0 {
			err = fmt.Errorf("waiting %s gave nothing", c.Wait)
		}
		if err == nil && shown(feed.Changes) != "k:1" {
			err = fmt.Errorf("waiting gave %q", shown(feed.Changes))
		}
		done <- err
	}()
	return done
}

func feedWakes(x *subject) {
	var all []<-chan error
	for range 4 {
		all = append(all, x.waiting(x.Context(), store.Changes{Table: things, Wait: patience}))
	}
	began := time.Now()
	x.do(put("k", `1`))
	for _, done := range all {
		if err := <-done; err != nil {
			x.Fatal(err)
		}
	}
	if took := time.Since(began); took >= patience {
		x.Fatalf("the waiting ended %s after the write", took)
	}
}

func feedSleepsOn(x *subject) {
	done := x.waiting(x.Context(), store.Changes{Table: things, Prefix: "k", Wait: patience})
	elsewhere := put("k", `1`)
	elsewhere.Ref.Table = "others"
	for range 3 {
		x.do(put("another", `1`))
		x.do(elsewhere)
	}
	x.do(put("k", `1`))
	if err := <-done; err != nil {
		x.Fatal(err)
	}
}

func feedWaitsInVain(x *subject) {
	x.do(put("a", `1`))
	end := x.feed(store.Changes{Table: things}).Next
	wait := max(30*time.Millisecond, x.h.Resolution)
	began := time.Now()
	feed := x.changes(store.Changes{Table: things, Since: end, Wait: wait})
	if took := time.Since(began); len(feed.Changes) != 0 || took < wait {
		x.Fatalf("after %s, waiting %s gave %q", took, wait, shown(feed.Changes))
	}
	x.do(put("b", `1`))
	x.shows(store.Changes{Since: feed.Next}, "b:1")
}

func feedWaitCanceled(x *subject) {
	short, stop := context.WithTimeout(x.Context(), 30*time.Millisecond)
	defer stop()
	_, err := x.s.Changes(short, store.Changes{Table: things, Wait: patience})
	x.expect("waiting past a deadline", err, store.Timeout)

	ctx, cancel := context.WithCancel(x.Context())
	done := x.waiting(ctx, store.Changes{Table: things, Wait: patience})
	cancel()
	x.expect("waiting for one who went away", <-done, store.Canceled)
}

func feedBadCursor(x *subject) {
	x.do(put("a", `1`))
	for _, cursor := range []store.Cursor{"not a cursor!", "🙂", " ", "%", "null", "-1", store.Cursor(strings.Repeat("?", 2000))} {
		_, err := x.s.Changes(x.Context(), store.Changes{Table: things, Since: cursor})
		x.expect(fmt.Sprintf("changes since %.40q", cursor), err, store.InvalidCursor)
	}
}

func feedBadBounds(x *subject) {
	for _, c := range []store.Changes{{Limit: -1}, {Limit: x.limits.MaxPage + 1}, {Prefix: "a\n"}, {Prefix: strings.Repeat("k", store.MaxKeyBytes+1)}} {
		c.Table = things
		_, err := x.s.Changes(x.Context(), c)
		x.expect(fmt.Sprintf("%.200v", c), err, store.InvalidScan)
	}
}

func feedCompacted(x *subject) {
	x.apply(put("a", `1`), put("b", `1`))
	early := x.feed(store.Changes{Table: things}).Next
	x.do(del("a"))
	x.forget()
	_, err := x.s.Changes(x.Context(), store.Changes{Table: things, Since: early})
	x.expect("a cursor from before a forgotten deletion", err, store.Compacted)
	end := x.shows(store.Changes{}, "b:1")
	x.do(put("b", `2`))
	x.shows(store.Changes{Since: end}, "b:2")
}

// feedBegunAfterForgetting pages through a table whose deletions are forgotten.
// Whoever begins after that never had to know of them, however small the pages;
// what is forgotten while a reader is on its way is another thing.
func feedBegunAfterForgetting(x *subject) {
	x.fill("a", "b", "c", "d", "gone")
	x.do(del("gone"))
	x.forget()
	var half store.Cursor
	seen := 0
	for c := (store.Changes{Table: things, Limit: 1}); ; {
		feed := x.changes(c)
		if len(feed.Changes) == 0 {
			break
		}
		if seen++; seen == 2 {
			half = feed.Next
		}
		c.Since = feed.Next
	}
	if seen != 4 {
		x.Fatalf("%d entries were shown of 4", seen)
	}
	x.do(del("d"))
	x.forget()
	_, err := x.s.Changes(x.Context(), store.Changes{Table: things, Since: half})
	x.expect("a cursor from before another forgotten deletion", err, store.Compacted)
}

// feedMissesNothing follows the feed while clients write; in the end it has
// seen every key as it is, and no key has gone back.
func feedMissesNothing(x *subject) {
	const writers, rounds, keys = 4, 30, 7
	var writing atomic.Int32
	writing.Store(writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			defer writing.Add(-1)
			for round := range rounds {
				key, other := number((w+round)%keys), number((w+2*round+1)%keys)
				ops := []store.Op{put(key, fmt.Sprintf(`"%d-%d"`, w, round))}
				if round%3 == 0 && other != key {
					ops = append(ops, del(other))
				}
				if _, err := x.inTurn(store.Batch{Ops: ops}); err != nil {
					x.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	seen := map[string]store.Entry{}
	since := store.Cursor("")
	for limit := 1; ; limit = limit%5 + 1 {
		over := writing.Load() == 0 // asked before the feed is
		feed := x.changes(store.Changes{Table: things, Since: since, Limit: limit, Wait: max(time.Millisecond, x.h.Resolution)})
		for _, c := range feed.Changes {
			if c.Version < seen[c.Key].Version {
				x.Errorf("the feed shows version %d of %q after version %d", c.Version, c.Key, seen[c.Key].Version)
			}
			seen[c.Key] = c.Entry
		}
		since = feed.Next
		if over && len(feed.Changes) == 0 {
			break
		}
	}
	wg.Wait()
	for key, e := range seen {
		if now := x.get(key); now.Exists() != e.Exists() || now.Exists() && !now.Equal(e) {
			x.Errorf("last the feed showed %s, and there is %s", show(e), show(now))
		}
	}
	for _, e := range x.everything() {
		if !seen[e.Key].Equal(e) {
			x.Errorf("the feed never showed %s", show(e))
		}
	}
}
