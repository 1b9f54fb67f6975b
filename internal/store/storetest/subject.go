package storetest

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"larder/internal/store"
)

// things is the table that most tests use.
const things = "things"

// hours is a ttl that ends in no test, unless its clock is advanced that far.
const hours = 6 * time.Hour

// patience bounds every wait for what has to come sooner or later.
const patience = 20 * time.Second

// subject is a store under test, with what makes asking it short. What its
// methods don't expect ends the test.
type subject struct {
	*testing.T
	h      Harness
	s      store.Store
	limits store.Limits
	closed bool
}

// subject opens a store for one test, and sees to its end.
func (h Harness) subject(t *testing.T) *subject {
	t.Helper()
	x := &subject{T: t, h: h, s: h.Open(t)}
	x.limits = x.s.Info().Limits.WithDefaults()
	t.Cleanup(func() {
		if x.closed {
			return
		}
		if h.After != nil {
			h.After(t, x.s)
		}
		if err := x.s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return x
}

// apply does operations that have to succeed.
func (x *subject) apply(ops ...store.Op) []store.Result {
	x.Helper()
	return x.done(store.Batch{Ops: ops})
}

// done does a batch that has to succeed.
func (x *subject) done(b store.Batch) []store.Result {
	x.Helper()
	results, err := x.inTurn(b)
	if err != nil {
		x.Fatalf("Apply(%s): %v", describe(b.Ops), err)
	}
	if len(results) != len(b.Ops) {
		x.Fatalf("Apply(%s) gave %d results", describe(b.Ops), len(results))
	}
	return results
}

// inTurn does a batch at once or, where the store can't do its operations
// together, one by one up to the first that fails.
func (x *subject) inTurn(b store.Batch) ([]store.Result, error) {
	if !x.lacks(Together) {
		return x.s.Apply(x.Context(), b)
	}
	var all []store.Result
	for i := range b.Ops {
		results, err := x.s.Apply(x.Context(), store.Batch{Ops: b.Ops[i : i+1], DryRun: b.DryRun})
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
	}
	return all, nil
}

// applyEach does the same to many keys, as many at once as a batch may have.
func (x *subject) applyEach(keys []string, op func(key string) store.Op) {
	x.Helper()
	for some := range slices.Chunk(keys, x.limits.MaxOperations) {
		ops := make([]store.Op, len(some))
		for i, key := range some {
			ops[i] = op(key)
		}
		if !x.lacks(Together) {
			x.apply(ops...)
			continue
		}
		for i, outcome := range store.ApplyEach(x.Context(), x.s, store.Batch{Ops: ops}) {
			x.expect(describe(ops[i:i+1]), outcome.Err, "")
		}
	}
}

// do does one operation that has to succeed.
func (x *subject) do(op store.Op) store.Entry {
	x.Helper()
	return x.apply(op)[0].Entry
}

// refuse does a batch that has to fail with this code, and to leave no trace.
func (x *subject) refuse(code store.Code, ops ...store.Op) *store.Error {
	x.Helper()
	before := x.everything()
	_, err := x.s.Apply(x.Context(), store.Batch{Ops: ops})
	x.expect(describe(ops), err, code)
	if diff := compareEntries(x.everything(), before); diff != "" {
		x.Fatalf("Apply(%s) failed with %s, yet it changed something: %s", describe(ops), code, diff)
	}
	return store.AsError(err)
}

// refuseOne is refuse for one operation, where only its entry is looked at.
func (x *subject) refuseOne(code store.Code, op store.Op) *store.Error {
	x.Helper()
	before := x.read(op.Ref)
	_, err := x.s.Apply(x.Context(), store.Batch{Ops: []store.Op{op}})
	x.expect(describe([]store.Op{op}), err, code)
	if diff := compareEntries(x.read(op.Ref), before); diff != "" {
		x.Fatalf("%s failed with %s, yet it changed something: %s", describe([]store.Op{op}), code, diff)
	}
	return store.AsError(err)
}

// expect holds an error to its code, "" for success.
func (x *subject) expect(what string, err error, code store.Code) {
	x.Helper()
	if got := store.CodeOf(err); got != code {
		x.Fatalf("%s: got code %q (%v), want %q", what, got, err, code)
	}
}

// everything is all of the table of things, for comparison.
func (x *subject) everything() []store.Entry {
	x.Helper()
	return x.scan(store.Scan{Table: things}).Entries
}

// get reads one entry of the table of things.
func (x *subject) get(key string) store.Entry {
	x.Helper()
	return x.read(ref(key))[0]
}

// read reads entries.
func (x *subject) read(refs ...store.Ref) []store.Entry {
	x.Helper()
	read, err := x.s.Get(x.Context(), refs)
	if err != nil {
		x.Fatalf("Get(%v): %v", refs, err)
	}
	if len(read.Entries) != len(refs) {
		x.Fatalf("Get(%v) gave %d entries", refs, len(read.Entries))
	}
	for i, e := range read.Entries {
		if e.Ref != refs[i] {
			x.Fatalf("Get: entry %d is of %v, want %v", i, e.Ref, refs[i])
		}
	}
	return read.Entries
}

// present reads an entry that has to exist.
func (x *subject) present(key string) store.Entry {
	x.Helper()
	e := x.get(key)
	if !e.Exists() {
		x.Fatalf("%q does not exist", key)
	}
	return e
}

// absent makes sure that there is no such entry, nor anything of one.
func (x *subject) absent(keys ...string) {
	x.Helper()
	for _, key := range keys {
		if e := x.get(key); !isAbsent(e) {
			x.Fatalf("%q should be absent, but there is %s", key, show(e))
		}
	}
}

// scan follows a scan's pages to the end and gives all as one.
func (x *subject) scan(s store.Scan) store.Page {
	x.Helper()
	var all store.Page
	seen := map[string]bool{}
	for {
		page := x.page(s)
		all.Entries = append(all.Entries, page.Entries...)
		all.Prefixes = append(all.Prefixes, page.Prefixes...)
		if page.Next == "" {
			return all
		}
		if seen[page.Next] {
			x.Fatalf("Scan(%+v) goes round in circles at %q", s, page.Next)
		}
		seen[page.Next] = true
		s.After = page.Next
	}
}

// page reads one page of a scan.
func (x *subject) page(s store.Scan) store.Page {
	x.Helper()
	page, err := x.s.Scan(x.Context(), s)
	if err != nil {
		x.Fatalf("Scan(%+v): %v", s, err)
	}
	if n := len(page.Entries) + len(page.Prefixes); n > s.PageLimit(x.limits) {
		x.Fatalf("Scan(%+v) gave %d in one page", s, n)
	}
	return page
}

// tables makes sure that these, in this order, are all the tables there are.
func (x *subject) tables(names ...string) []store.TableInfo {
	x.Helper()
	infos, err := x.s.Tables(x.Context())
	if err != nil {
		x.Fatalf("Tables: %v", err)
	}
	var got []string
	for _, info := range infos {
		got = append(got, info.Name)
	}
	if !slices.Equal(got, names) {
		x.Fatalf("Tables gave %q, want %q", got, names)
	}
	return infos
}

// lacks says whether the harness can't reach something.
func (x *subject) lacks(topic Topic) bool { return slices.Contains(x.h.Without, topic) }

// feed follows the change feed to its end and gives all as one page.
func (x *subject) feed(c store.Changes) store.Feed {
	x.Helper()
	var all []store.Change
	for {
		feed := x.changes(c)
		all = append(all, feed.Changes...)
		if len(feed.Changes) == 0 {
			feed.Changes = all
			return feed
		}
		c.Since = feed.Next
	}
}

// changes reads one page of the change feed.
func (x *subject) changes(c store.Changes) store.Feed {
	x.Helper()
	feed, err := x.s.Changes(x.Context(), c)
	if err != nil {
		x.Fatalf("Changes(%+v): %v", c, err)
	}
	if feed.Next == "" {
		x.Fatalf("Changes(%+v) gave no cursor to go on from", c)
	}
	if n := len(feed.Changes); n > c.PageLimit(x.limits) {
		x.Fatalf("Changes(%+v) gave %d in one page", c, n)
	}
	return feed
}

// lifetime is a ttl that outlive can wait for.
func (x *subject) lifetime() time.Duration {
	if x.h.Advance != nil {
		return max(time.Minute, x.h.Resolution)
	}
	return max(40*time.Millisecond, x.h.Resolution)
}

// outlive lets lifetime pass for entries that were written before.
func (x *subject) outlive(keys ...string) {
	x.Helper()
	if x.h.Advance != nil {
		x.h.Advance(x.s, x.lifetime())
	}
	for _, key := range keys {
		x.eventually("the end of "+key, func() bool { return !x.get(key).Exists() })
	}
}

// tick lets the clock of a store with slots go on a little, before what has to
// come later in the order of change: between slots that is the order of time.
func (x *subject) tick() {
	x.Helper()
	if x.lacks(Together) && x.h.Advance != nil {
		x.h.Advance(x.s, time.Millisecond)
	}
}

// reopen closes the store and opens it again.
func (x *subject) reopen() {
	x.Helper()
	x.s = x.h.Reopen(x.T, x.s)
}

// forget lets the store clean up all tombstones there are.
func (x *subject) forget() {
	x.Helper()
	x.h.Advance(x.s, 2*cmp.Or(x.h.Retention, store.Retention{}.WithDefaults().Tombstones))
	maintainer, ok := store.As[store.Maintainer](x.s)
	if !ok {
		x.Fatal("the store has no maintenance")
	}
	x.expect("cleanup", maintainer.Maintain(x.Context(), store.Maintenance{Action: store.Cleanup}), "")
}

// eventually asks again and again until it is so.
func (x *subject) eventually(what string, isSo func() bool) {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !isSo() {
		select {
		case <-ctx.Done():
			x.Fatalf("waited %s in vain for %s", patience, what)
		case <-tick.C:
		}
	}
}

// keysOf lists entries by their keys.
func keysOf(entries []store.Entry) []string {
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	return keys
}

// sameKeys compares keys in their order.
func (x *subject) sameKeys(what string, got []store.Entry, want ...string) {
	x.Helper()
	if !slices.Equal(keysOf(got), want) {
		x.Fatalf("%s: got %q, want %q", what, keysOf(got), want)
	}
}
