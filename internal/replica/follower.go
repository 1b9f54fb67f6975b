// Package replica keeps in one store what is written to another, by following the change
// feed of that.
//
//	f := replica.Follow(replica.Options{From: pg, FromName: "pg", To: local})
//	defer f.Close()
//	lag, known := f.Lag()
//
// What the feed brings is installed: versions, times and tombstones as they are, and of
// each key the newer version wins. So it may be brought twice and in any order, and what
// is brought is always the entry as it stands, never one that was remembered. The place in
// the feed is kept in the target itself and moved on after what lies before it has been
// installed: a crash in between repeats, and skips nothing. It is read again before each
// page, and moved on only from where it was read: a target that has forgotten something
// has forgotten with it that it had come so far. (Parts of a target that forget on their
// own, as the nodes of a cluster can, don't show in that: Verify finds what they lack.)
package replica

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Options set a Follower up. From, FromName and To are required.
type Options struct {
	From     store.Store
	FromName string // names the place that is kept in To
	To       store.Store

	// Scope says in a text which tables are followed. Where another one is found in the
	// place that is kept, all is read anew. Tables says it of a table; nil: all. System
	// tables are followed only where System says so, and then nothing else; those that are
	// a store's own never are.
	Scope  string
	Tables func(table string) bool
	System bool

	Page     int           // changes installed at once; 500
	Every    time.Duration // between two reads of the feed where there is nothing new; 100 ms
	Pause    time.Duration // after something failed, doubling up to MaxPause; 50 ms
	MaxPause time.Duration // 2 s
	Leave    time.Duration // to another process that brings much, before it is looked whether it still does; 500 ms
	Logger   zerolog.Logger
}

// Follower follows a feed until it is closed.
type Follower struct {
	o    Options
	stop context.CancelFunc
	done sync.WaitGroup

	caughtUp  atomic.Pointer[time.Time] // when the last read began that left nothing to install
	installed atomic.Int64
	refused   refusals
	failing   atomic.Pointer[store.Error] // of the last attempt; nil: it succeeded
	at        atomic.Pointer[place]       // after the last attempt; nil: that is not known
	attested  atomic.Pointer[attestation]

	leave time.Duration // the least that much is left to another process
}

// Follow begins to follow. Stores that can't be reached are no error: it is tried again.
func Follow(o Options) *Follower {
	o.Page, o.Every = cmp.Or(o.Page, 500), cmp.Or(o.Every, 100*time.Millisecond)
	o.Pause, o.MaxPause = cmp.Or(o.Pause, 50*time.Millisecond), cmp.Or(o.MaxPause, 2*time.Second)
	o.Leave = cmp.Or(o.Leave, 500*time.Millisecond)
	ctx, stop := context.WithCancel(context.Background())
	f := &Follower{o: o, stop: stop, leave: o.Leave}
	f.done.Go(func() { f.run(ctx) })
	return f
}

// Close ends the following and waits for what is under way.
func (f *Follower) Close() error {
	f.stop()
	f.done.Wait()
	return nil
}

// Lag is how old what the target has may be; known is false before it has caught up once.
func (f *Follower) Lag() (lag time.Duration, known bool) {
	at := f.caughtUp.Load()
	if at == nil {
		return 0, false
	}
	return time.Since(*at), true
}

// CaughtUp says whether the target has all that was committed before a moment.
func (f *Follower) CaughtUp(with time.Time) bool {
	at := f.caughtUp.Load()
	return at != nil && !at.Before(with)
}

// run follows until the end. What fails is tried again, after a pause.
func (f *Follower) run(ctx context.Context) {
	pause := f.o.Pause
	var at *place
	for ctx.Err() == nil {
		then, err := f.step(ctx, &at)
		if at != nil {
			f.note(at)
		}
		if ctx.Err() != nil {
			return
		}
		wait := f.o.Every
		if err != nil {
			f.tell(store.AsError(err))
			then, wait, pause = rest, pause, min(2*pause, f.o.MaxPause)
		} else {
			f.tell(nil)
			pause = f.o.Pause
		}
		switch then {
		case goOn:
			continue
		case leave:
			wait = f.leaving()
		case rest:
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// tell logs when it begins to fail, and when it no longer does.
func (f *Follower) tell(err *store.Error) {
	switch was := f.failing.Swap(err); {
	case err != nil && was == nil:
		f.o.Logger.Warn().Err(err).Msg("a secondary can't be kept up; it is tried again")
	case err == nil && was != nil:
		f.o.Logger.Info().Msg("a secondary is kept up again")
	}
}

// next is what a follower does after a step.
type next uint8

const (
	rest  next = iota // nothing is left, or something failed
	goOn              // there is more
	leave             // another process brings it
)

// leaving is how long much is left to another process, before it is looked whether that
// still brings it. It is never the same, lest those who wait for one that has ended go on
// at the same moment.
func (f *Follower) leaving() time.Duration { return f.leave + rand.N(f.leave/2) }

// step installs a page of the feed, and says what to do then; where there is no other
// page, also what is early in it, after which the target has all that was committed before.
//
// Two processes that bring pages at once keep each other from moving the place on, and
// many would never come to the end. So where there is much, a process that finds the place
// moved by another leaves it to that one, until it finds the place unmoved. One whose own
// page was in vain leaves it for twice as long, should pages take that much time.
func (f *Follower) step(ctx context.Context, at **place) (next, error) {
	began := time.Now()
	p, moved, err := f.stand(ctx, *at)
	if err != nil {
		return rest, err
	}
	*at = p
	feed, err := f.o.From.Changes(ctx, store.Changes{Since: p.cursor, Limit: f.o.Page})
	// Another engine may have come in place of the source, which can't read its places.
	if errors.Is(err, store.Compacted) || p.cursor != "" && errors.Is(err, store.InvalidCursor) {
		f.o.Logger.Warn().Str("code", string(store.CodeOf(err))).Msg("the feed does not go on from where a secondary stands, which is copied afresh")
		*at = &place{fresh: true, kept: p.kept, version: p.version}
		return goOn, nil
	}
	if err != nil {
		return rest, err
	}
	if moved && (feed.More || p.fresh) {
		return leave, nil
	}
	further := *p
	entries := f.followed(feed.Changes)
	further.cursor, further.installed = feed.Next, p.installed+int64(len(entries))
	last := !feed.More && p.fresh
	if len(entries) > 0 || last {
		// A dump of before this moment has another token than what is kept at the end.
		if moved, err := f.save(ctx, p); err != nil || moved {
			return lookAgain(err), err
		}
		further.kept, further.version = p.kept, p.version
	}
	if err := f.installAll(ctx, entries); err != nil {
		return rest, err
	}
	if last {
		if moved, err := f.removeLeftovers(ctx, &further); err != nil || moved {
			return f.inVain(err), err
		}
		further.fresh = false
	}
	if len(entries) > 0 || last || time.Since(p.saved) >= saveEvery {
		if moved, err := f.save(ctx, &further); err != nil || moved {
			return f.inVain(err), err
		}
	}
	f.leave = f.o.Leave
	*at = &further
	if feed.More {
		return goOn, nil
	}
	if err := f.installEarly(ctx, further.cursor); err != nil {
		return rest, err
	}
	f.caughtUp.Store(&began)
	return rest, nil
}

// lookAgain is what to do where another process has moved the place meanwhile.
func lookAgain(err error) next {
	if err != nil {
		return rest
	}
	return goOn
}

// mostLeave bounds how long much is left to another process.
const mostLeave = 4 * time.Second

// inVain is the same where a page has been installed since.
func (f *Follower) inVain(err error) next {
	if err == nil {
		f.leave = min(2*f.leave, max(mostLeave, f.o.Leave))
	}
	return lookAgain(err)
}

// installEarly installs what an open transaction holds back in the feed. It comes again.
func (f *Follower) installEarly(ctx context.Context, since store.Cursor) error {
	for c := (store.Changes{Since: since, Limit: f.o.Page, Early: true}); ; {
		feed, err := f.o.From.Changes(ctx, c)
		if err != nil {
			return err
		}
		if err := f.installAll(ctx, f.followed(feed.Changes)); err != nil || !feed.More {
			return err
		}
		c.Since = feed.Next
	}
}

func (f *Follower) follows(table string) bool {
	if store.IsSystem(table) != f.o.System || slices.Contains(ownTables, table) {
		return false
	}
	return f.o.Tables == nil || f.o.Tables(table)
}

// followed is what has changed in the tables that are followed.
func (f *Follower) followed(changes []store.Change) []store.Entry {
	entries := make([]store.Entry, 0, len(changes))
	for i := range changes {
		if f.follows(changes[i].Table) {
			entries = append(entries, changes[i].Entry)
		}
	}
	return entries
}

// installAll installs what the target can hold, and counts the rest.
func (f *Follower) installAll(ctx context.Context, entries []store.Entry) error {
	installed, err := installEach(ctx, f.o.To, entries, func(e *store.Entry, err error) {
		f.refused.add(e.Table, store.CodeOf(err))
		f.o.Logger.Error().Str("table", e.Table).Str("code", string(store.CodeOf(err))).Msg("a secondary can't hold an entry that the primary has")
	})
	f.installed.Add(installed)
	return err
}

// removeLeftovers buries what the target has and the source has not, of which the feed no
// longer tells that it was deleted. It keeps the place now and then, so that other
// processes see that it is still at it; moved says that one has gone on all the same.
func (f *Follower) removeLeftovers(ctx context.Context, p *place) (moved bool, err error) {
	tables, err := f.o.To.Tables(ctx)
	if err != nil {
		return false, err
	}
	for _, t := range tables {
		if !f.follows(t.Name) {
			continue
		}
		s := store.Scan{Table: t.Name, KeysOnly: true, Limit: f.o.Page}
		for more := true; more; more = s.After != "" {
			if time.Since(p.saved) >= f.o.Leave/4 {
				if moved, err := f.save(ctx, p); err != nil || moved {
					return moved, err
				}
			}
			page, err := f.o.To.Scan(ctx, s)
			if err != nil {
				return false, err
			}
			if err := f.bury(ctx, page.Entries); err != nil {
				return false, err
			}
			s.After = page.Next
		}
	}
	return false, nil
}

// bury installs tombstones for those entries that the source has not. There a key that is
// not there has the version that its next life starts above, which is above all before.
func (f *Follower) bury(ctx context.Context, held []store.Entry) error {
	if len(held) == 0 {
		return nil
	}
	refs := make([]store.Ref, len(held))
	for i := range held {
		refs[i] = held[i].Ref
	}
	read, err := f.o.From.Get(ctx, refs)
	if err != nil {
		return err
	}
	var gone []store.Entry
	for i, e := range read.Entries {
		if !e.Exists() && e.Version > held[i].Version {
			gone = append(gone, buried(e.Ref, e.Version))
		}
	}
	return f.installAll(ctx, gone)
}
