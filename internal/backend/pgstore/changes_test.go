package pgstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// changes reads a page of table t's feed.
func (f *fixture) changes(c store.Changes) store.Feed {
	f.t.Helper()
	c.Table = "t"
	feed, err := f.Changes(f.t.Context(), c)
	if err != nil {
		f.t.Fatalf("Changes(%+v): %v", c, err)
	}
	return feed
}

func changedKeys(feed store.Feed) string {
	keys := make([]string, len(feed.Changes))
	for i, c := range feed.Changes {
		keys[i] = fmt.Sprintf("%s:%d", c.Key, c.Version)
	}
	return strings.Join(keys, " ")
}

// foreignWrite is a transaction that has written to table t and is still open.
type foreignWrite struct {
	f  *fixture
	tx pgx.Tx
}

func (f *fixture) foreignWrite(key string) *foreignWrite {
	f.t.Helper()
	tx, err := f.session().Begin(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := tx.Exec(f.t.Context(), f.sql.insert, rowColumns([]store.Entry{{Ref: ref(key), Version: 1, Value: put(key, `1`).Value, UpdatedAt: time.Now()}}, newSequences())...); err != nil {
		f.t.Fatal(err)
	}
	return &foreignWrite{f, tx}
}

func (w *foreignWrite) commit() {
	w.f.t.Helper()
	if err := w.tx.Commit(w.f.t.Context()); err != nil {
		w.f.t.Fatal(err)
	}
}

// TestFeedCommitsOutOfOrder has two transactions commit in the other order than
// they began in. What came second is held back until the first has been
// committed, and the reader misses neither.
func TestFeedCommitsOutOfOrder(t *testing.T) {
	f := open(t)
	f.apply(put("before", `1`))
	start := f.changes(store.Changes{}).Next

	long := f.foreignWrite("long")
	short := f.foreignWrite("short")
	short.commit()
	f.holds("short", `1`)
	held := f.changes(store.Changes{Since: start})
	if len(held.Changes) != 0 {
		t.Fatalf("while an older transaction is open the feed shows %s", changedKeys(held))
	}
	long.commit()
	next := f.changes(store.Changes{Since: held.Next, Wait: time.Minute})
	if got := changedKeys(next); got != "long:1 short:1" {
		t.Fatalf("then the feed shows %q", got)
	}
	if feed := f.changes(store.Changes{Since: next.Next}); len(feed.Changes) != 0 {
		t.Fatalf("and again %s", changedKeys(feed))
	}
}

// TestFeedReaderBetweenCommits takes a cursor each time that something commits,
// in any order, and adds up what the pages show.
func TestFeedReaderBetweenCommits(t *testing.T) {
	f := open(t)
	var writes []*foreignWrite
	for i := range 6 {
		writes = append(writes, f.foreignWrite(strconv.Itoa(i)))
	}
	since := store.Cursor("")
	var seen []string
	for _, i := range []int{3, 5, 0, 4, 2, 1} {
		writes[i].commit()
		feed := f.changes(store.Changes{Since: since, Limit: 2})
		for _, c := range feed.Changes {
			seen = append(seen, c.Key)
		}
		since = feed.Next
	}
	for feed := f.changes(store.Changes{Since: since}); len(feed.Changes) > 0; feed = f.changes(store.Changes{Since: since}) {
		for _, c := range feed.Changes {
			seen = append(seen, c.Key)
		}
		since = feed.Next
	}
	if slices.Sort(seen); !slices.Equal(seen, []string{"0", "1", "2", "3", "4", "5"}) {
		t.Fatalf("seen were %q", seen)
	}
}

// TestFeedWaitsForOwnWrites reads at once what was just written, though another
// transaction in the database is open for a while. Where it stays open, that is
// waited for once only.
func TestFeedWaitsForOwnWrites(t *testing.T) {
	f := open(t)
	other := f.foreignWrite("other")
	f.apply(put("own", `1`))
	if feed := f.changes(store.Changes{}); len(feed.Changes) != 0 {
		t.Fatalf("while an older transaction is open the feed shows %q", changedKeys(feed))
	}
	if f.tailer.stalled.Load() == 0 {
		t.Fatal("it is not remembered that the horizon stays where it is")
	}
	f.apply(put("more", `1`))
	for range 100 { // which together would take minutes
		f.changes(store.Changes{})
	}
	other.commit()
	if got := changedKeys(f.changes(store.Changes{})); got != "other:1 own:1 more:1" {
		t.Fatalf("after the commit the feed shows %q", got)
	}
}

// TestFeedWakesForOthers has a watcher wait for what another gateway writes, and
// for what is written by hand.
func TestFeedWakesForOthers(t *testing.T) {
	f := open(t)
	second, err := Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, write := range []func(){
		func() {
			if _, err := second.Apply(t.Context(), store.Batch{Ops: []store.Op{put("k", `1`)}}); err != nil {
				t.Error(err)
			}
		},
		func() { f.foreignWrite("by hand").commit() },
		func() { f.apply(put("own", `1`)) },
	} {
		since := f.changes(store.Changes{}).Next
		done := make(chan store.Feed)
		go func() { done <- f.changes(store.Changes{Since: since, Wait: time.Minute}) }()
		poll(t, "the watcher to wait", func() bool { return f.watchers() == 1 })
		write()
		if feed := <-done; len(feed.Changes) != 1 {
			t.Fatalf("write %d shows as %q", i, changedKeys(feed))
		}
	}
	if n := f.watchers(); n != 0 {
		t.Fatalf("%d watchers are left", n)
	}
}

func (f *fixture) watchers() int {
	f.tailer.mu.Lock()
	defer f.tailer.mu.Unlock()
	return len(f.tailer.watchers)
}

// TestFeedOfOtherKeysWakesNobody makes sure that a watcher sleeps on while others
// of its table are written, and that its cursor moves on all the same.
func TestFeedOfOtherKeysWakesNobody(t *testing.T) {
	f := open(t)
	since := f.changes(store.Changes{}).Next
	w := f.tailer.watch("t", "mine/", 1)
	all := f.tailer.watch("", "mine/", 1)
	elsewhere := f.tailer.watch("elsewhere", "", 1)
	f.apply(put("other", `1`))
	written := f.tailer.own.Load()
	watching := func(w *watcher) (from uint64) {
		f.tailer.mu.Lock()
		defer f.tailer.mu.Unlock()
		return w.from
	}
	for _, w := range []*watcher{w, all, elsewhere} {
		poll(t, "the tailer to look", func() bool { return watching(w) > written })
		select {
		case <-w.woken:
			t.Fatal("another key's change woke the watcher")
		default:
		}
	}
	f.apply(put("mine/1", `1`))
	<-w.woken
	<-all.woken
	if from := f.tailer.leave(elsewhere); from <= written {
		t.Fatalf("it has seen up to %d only", from)
	}
	feed := f.changes(store.Changes{Since: since, Prefix: "mine/"})
	if got := changedKeys(feed); got != "mine/1:1" {
		t.Fatalf("the feed shows %q", got)
	}
}

// TestFeedWakesWhereThereIsTooMuchToLookAt has more changes than the tailer looks
// through: everybody is woken then.
func TestFeedWakesWhereThereIsTooMuchToLookAt(t *testing.T) {
	f := open(t)
	w := f.tailer.watch("t", "nothing like it", 1)
	var ops []store.Op
	for i := range pollChanges {
		ops = append(ops, put(strconv.Itoa(i), `1`))
	}
	f.apply(ops...)
	<-w.woken
}

// TestFeedOfAnotherStorage refuses cursors of another id, and those that lie
// ahead, as they do once a server has been set back.
func TestFeedOfAnotherStorage(t *testing.T) {
	f := open(t)
	f.apply(put("k", `1`))
	c := f.changes(store.Changes{}).Changes[0].Cursor
	p, err := parseCursor(c)
	if err != nil {
		t.Fatal(err)
	}
	for what, place := range map[string]place{
		"of another storage": {id: "0123456789ab", xid: p.xid, sequence: p.sequence},
		"ahead":              {id: p.id, xid: p.xid + 1_000_000},
		"begun ahead":        {id: p.id, xid: p.xid, began: p.xid + 1_000_000},
	} {
		for _, table := range []string{"t", ""} {
			_, err = f.Changes(t.Context(), store.Changes{Table: table, Since: place.cursor()})
			fails(t, "a cursor "+what, err, store.Compacted)
		}
	}
	for _, text := range []string{"", ".", "..", "x", p.id, p.id + ".1", p.id + ".1.", p.id + ".+1.2", p.id + ".01.2", p.id + ".1.-2", p.id + ".1.2.1", p.id + ".1.2.", p.id + ".1.2.3.4", "UP.1.2", ".1.2", p.id + ".99999999999999999999.1"} {
		if _, err := parseCursor(store.Cursor(text)); text != "" && err == nil {
			t.Errorf("%q is taken for a cursor", text)
		}
	}
}

// TestFeedGoesOnAfterForgetting has a reader that began after tombstones were
// forgotten page through what is left, however small its pages; and refuses one
// that began before.
func TestFeedGoesOnAfterForgetting(t *testing.T) {
	now := time.Now()
	f := open(t, func(o *Options) { o.Now = func() time.Time { return now } })
	f.apply(put("a", `1`), put("b", `1`), put("c", `1`), put("gone", `1`))
	early := f.changes(store.Changes{Limit: 1}).Next
	f.apply(remove("gone"))
	now = now.Add(2 * f.options.Retention.Tombstones)
	f.cleansUp()
	_, err := f.Changes(t.Context(), store.Changes{Table: "t", Since: early})
	fails(t, "a reader that began before", err, store.Compacted)
	_, err = f.Changes(t.Context(), store.Changes{Since: early})
	fails(t, "a reader of all tables that began before", err, store.Compacted)

	for _, table := range []string{"t", ""} {
		var got []string
		for c := (store.Changes{Table: table, Limit: 1}); ; {
			feed, err := f.Changes(t.Context(), c)
			if err != nil {
				t.Fatalf("a reader that began after: %v", err)
			}
			if c.Since = feed.Next; len(feed.Changes) == 0 {
				break
			}
			got = append(got, feed.Changes[0].Key)
		}
		if !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Fatalf("it has seen %q", got)
		}
	}

	// While that reader is on its way, what is forgotten anew counts.
	half := f.changes(store.Changes{Limit: 1}).Next
	f.apply(remove("c"))
	now = now.Add(2 * f.options.Retention.Tombstones)
	f.cleansUp()
	_, err = f.Changes(t.Context(), store.Changes{Table: "t", Since: half})
	fails(t, "a reader that was on its way", err, store.Compacted)
}

// cleansUp does the store's maintenance.
func (f *fixture) cleansUp() {
	f.t.Helper()
	if err := f.Maintain(f.t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil {
		f.t.Fatal(err)
	}
}

// TestFeedWaitingEnds ends the waiting with its context, and with the store.
func TestFeedWaitingEnds(t *testing.T) {
	f := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	wait := func(ctx context.Context) {
		_, err := f.Changes(ctx, store.Changes{Table: "t", Wait: time.Minute})
		errs <- err
	}
	go wait(ctx)
	poll(t, "the watcher to wait", func() bool { return f.watchers() == 1 })
	cancel()
	fails(t, "one who went away", <-errs, store.Canceled)
	if n := f.watchers(); n != 0 {
		t.Fatalf("%d watchers are left", n)
	}
	go wait(t.Context())
	poll(t, "the watcher to wait", func() bool { return f.watchers() == 1 })
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	fails(t, "one whose store was closed", <-errs, store.Unavailable)
}

// A transaction that stays open holds the horizon back. Whoever asks for what is early
// is told of all that has been committed in spite of it, page by page, and whoever does
// not is told later.
func TestEarlyChangesBeyondOpenTransaction(t *testing.T) {
	t.Parallel()
	f := open(t)
	since := f.changes(store.Changes{}).Next
	older := f.foreignWrite("z")
	for _, key := range []string{"a", "b", "c"} {
		f.apply(put(key, `1`))
	}
	var early []string
	for c := (store.Changes{Since: since, Early: true, KeysOnly: true, Limit: 2}); ; {
		feed := f.changes(c)
		early = append(early, changedKeys(feed))
		if !feed.More {
			since = feed.Next
			break
		}
		c.Since = feed.Next
	}
	if got := strings.Join(early, " "); got != "a:1 b:1 c:1" {
		t.Errorf("early were %q", got)
	}
	older.commit()
	if got := changedKeys(f.changes(store.Changes{Since: since})); got != "z:1 a:1 b:1 c:1" {
		t.Errorf("after what was early the feed gave %q", got)
	}
}
