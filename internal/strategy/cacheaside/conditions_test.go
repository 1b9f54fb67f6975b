package cacheaside

import (
	"context"
	"errors"
	"testing"
	"time"

	"larder/internal/store"
)

// silent is a primary that nothing can be learnt from.
type silent struct{ store.Store }

var errSilent = errors.New("silent")

func (silent) Changes(context.Context, store.Changes) (store.Feed, error) {
	return store.Feed{}, errSilent
}

// ledgerAt is a ledger that has read the feed up to a horizon a while ago.
func ledgerAt(t testing.TB, age time.Duration) *Ledger {
	t.Helper()
	l := NewLedger(silent{}, LedgerOptions{Every: time.Hour})
	t.Cleanup(func() { _ = l.Close() })
	l.floors.reset(100)
	l.reading.Store(&reading{began: time.Now().Add(-age), now: time.Now(), horizon: 200, epoch: 7})
	return l
}

func goodCopy() store.Copy {
	return store.Copy{Entry: store.Entry{Ref: store.Ref{Table: "t", Key: "k"}, Version: 5}, Horizon: 100, Epoch: 7}
}

// TestEachConditionIsNeeded has copies that meet all conditions but one.
func TestEachConditionIsNeeded(t *testing.T) {
	t.Parallel()
	want := need{bound: time.Second, version: 5}
	for name, spoil := range map[string]func(c *store.Copy, l *Ledger, w *need){
		"the feed was read too long ago": func(_ *store.Copy, l *Ledger, _ *need) {
			l.reading.Store(&reading{began: time.Now().Add(-1100 * time.Millisecond), epoch: 7})
		},
		"the feed was never read":          func(_ *store.Copy, l *Ledger, _ *need) { l.reading.Store(nil) },
		"a newer version is known":         func(c *store.Copy, l *Ledger, _ *need) { l.floors.raise(c.Entry.Ref, 6) },
		"a newer version was seen":         func(c *store.Copy, l *Ledger, _ *need) { l.floors.see(c.Entry.Ref, 6) },
		"the floors don't reach back":      func(c *store.Copy, _ *Ledger, _ *need) { c.Horizon = 99 },
		"the client knows a newer version": func(_ *store.Copy, _ *Ledger, w *need) { w.version = 6 },
		"it is of another epoch":           func(c *store.Copy, _ *Ledger, _ *need) { c.Epoch = 8 },
		"its life has ended":               func(c *store.Copy, _ *Ledger, _ *need) { c.Entry.ExpiresAt = time.Now() },
	} {
		l, c, w := ledgerAt(t, 10*time.Millisecond), goodCopy(), want
		l.floors.raise(c.Entry.Ref, 5)
		if _, good := l.judge(&c.Entry, c.Horizon, c.Epoch, w, time.Now()); !good {
			t.Fatal("a good copy is refused")
		}
		spoil(&c, l, &w)
		if age, good := l.judge(&c.Entry, c.Horizon, c.Epoch, w, time.Now()); good {
			t.Errorf("a copy of %v is served although %s", age, name)
		}
	}
}

// What was seen is remembered until a read of the feed that began afterwards has ended,
// and through reads that fail.
func TestSeenUntilTheFeedHasIt(t *testing.T) {
	t.Parallel()
	f := newFloors(1 << 10)
	ref := store.Ref{Table: "t", Key: "k"}
	floor := func() int64 { v, _ := f.floor(ref); return v }
	f.begin()
	f.see(ref, 3)
	f.end(10) // a read that began before
	if floor() != 3 {
		t.Fatalf("the floor is %d", floor())
	}
	f.begin()
	f.see(ref, 4)
	f.begin() // the read before has failed
	f.begin()
	if floor() != 4 {
		t.Fatalf("the floor is %d", floor())
	}
	f.end(10)
	if floor() != 0 {
		t.Fatalf("the feed has brought nothing, and the floor is %d", floor())
	}
}

func TestJudgeAllocatesNothing(t *testing.T) {
	l, c := ledgerAt(t, time.Millisecond), goodCopy()
	l.floors.raise(c.Entry.Ref, 5)
	if n := testing.AllocsPerRun(100, func() { l.judge(&c.Entry, c.Horizon, c.Epoch, need{bound: time.Second}, time.Now()) }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

// BenchmarkJudge is what a hit costs for being shown fresh: no allocation, and less than
// 200 ns.
func BenchmarkJudge(b *testing.B) {
	l, c := ledgerAt(b, time.Millisecond), goodCopy()
	l.floors.raise(c.Entry.Ref, 5)
	b.ReportAllocs()
	for b.Loop() {
		if _, good := l.judge(&c.Entry, c.Horizon, c.Epoch, need{bound: time.Hour}, time.Now()); !good {
			b.Fatal("refused")
		}
	}
}
