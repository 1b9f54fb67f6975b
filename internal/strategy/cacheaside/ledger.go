package cacheaside

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// LedgerOptions set a Ledger up. The zero value works.
type LedgerOptions struct {
	Every  time.Duration // between two reads of the feed, while copies are read; 200 ms
	Idle   time.Duration // between two while none are; 5 s
	Floors int           // how many are remembered at least; 262,144, each of some 20 bytes
	Logger zerolog.Logger
}

// Ledger follows the change feed of a primary and knows what copies of its entries are
// good for. One serves all strategies that have this primary.
type Ledger struct {
	primary store.Store
	options LedgerOptions
	floors  *floors
	reading atomic.Pointer[reading] // the last; nil: none, and no copy is good

	asked   atomic.Bool   // a copy has been judged since the last read
	hurried atomic.Bool   // somebody waits for a read
	kick    chan struct{} // holds one thing then

	// Of the run alone.
	cursor   store.Cursor // where the feed goes on; "": nowhere yet
	epoch    uint64
	life     uint64 // the primary's incarnation
	wentBack bool   // the feed has, since it was read last, or may have
	failed   bool   // the last read

	lifetime context.Context //nolint:containedctx // ends with Close
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// reading is a read of the feed that has ended.
type reading struct {
	began   time.Time     // before it was sent, by the monotonic clock
	now     time.Time     // the primary's clock, some time after that
	horizon store.Horizon // of the feed
	epoch   uint64
}

// latest is the latest that the primary's clock can show at an age of the reading.
func (r *reading) latest(age time.Duration) time.Time { return r.now.Add(age) }

// mostAtOnce bounds what one read of the feed looks at. Where more has changed, or an
// open transaction holds back so much, the ledger begins again from there.
const mostAtOnce = 200_000

// NewLedger begins to follow a primary. That it can't be reached is no error: no copy is
// good until then.
func NewLedger(primary store.Store, o LedgerOptions) *Ledger {
	o.Every, o.Idle, o.Floors = cmp.Or(o.Every, 200*time.Millisecond), cmp.Or(o.Idle, 5*time.Second), cmp.Or(o.Floors, 1<<18)
	l := &Ledger{primary: primary, options: o, floors: newFloors(o.Floors), kick: make(chan struct{}, 1)}
	l.lifetime, l.stop = context.WithCancel(context.Background())
	l.done.Go(l.run)
	return l
}

// Close ends the following. No copy is good afterwards.
func (l *Ledger) Close() error {
	l.stop()
	l.done.Wait()
	l.reading.Store(nil)
	return nil
}

// Age is how long ago the last read of the feed began; ok is false where there was none.
func (l *Ledger) Age() (age time.Duration, ok bool) {
	r := l.reading.Load()
	if r == nil {
		return 0, false
	}
	return time.Since(r.began), true
}

// CaughtUp says whether the feed has been read since a moment, up to its end then. Where it
// has not, it is read soon.
func (l *Ledger) CaughtUp(since time.Time) bool {
	if r := l.reading.Load(); r != nil && !r.began.Before(since) {
		return true
	}
	l.hurry()
	return false
}

// judged takes note that a copy has been, and has the feed be read soon where the last
// read is old.
func (l *Ledger) judged(age time.Duration) {
	if !l.asked.Load() {
		l.asked.Store(true)
	}
	if age > 2*l.options.Every {
		l.hurry()
	}
}

// hurry has the feed be read at once, unless somebody else has done that.
func (l *Ledger) hurry() {
	if l.hurried.Swap(true) {
		return
	}
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// run reads the feed until the end.
func (l *Ledger) run() {
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.kick:
		case <-l.lifetime.Done():
			return
		}
		err := l.read()
		l.tell(err)
		wait := l.options.Every
		if errors.Is(err, errStartedAgain) {
			wait = 0
		}
		if idle := !l.asked.Swap(false); idle && err == nil || errors.Is(err, errBehind) {
			wait = l.options.Idle
		}
		tick.Reset(wait)
		l.hurried.Store(false)
	}
}

// tell logs when reads begin to fail, and when they no longer do.
func (l *Ledger) tell(err error) {
	switch {
	case err != nil && !l.failed && l.lifetime.Err() == nil:
		l.options.Logger.Warn().Err(err).Msg("the primary's feed can't be read: no copy is served before it can")
	case err == nil && l.failed:
		l.options.Logger.Info().Msg("the primary's feed is read again: copies are served")
	}
	l.failed = err != nil
}

// readTimeout bounds a read of the feed.
const readTimeout = 10 * time.Second

// errBehind says that more had changed than a read looks at.
var errBehind = errors.New("too much has changed since the last read, or an open transaction holds it back")

// errStartedAgain says that the primary's server is another one, or was started again.
var errStartedAgain = errors.New("the primary was started again, or another has taken its place")

// read reads all that is new in the feed.
func (l *Ledger) read() error {
	ctx, cancel := context.WithTimeout(l.lifetime, readTimeout)
	defer cancel()
	if l.cursor == "" {
		if err := l.start(ctx); err != nil {
			return err
		}
	}
	next := reading{began: time.Now(), epoch: l.epoch}
	l.floors.begin()
	c := store.Changes{Since: l.cursor, KeysOnly: true, Early: true}
	for looked := 0; ; {
		feed, err := l.primary.Changes(ctx, c)
		if store.CodeOf(err) == store.Compacted {
			l.forget(true)
		}
		if err != nil {
			return err
		}
		if feed.Incarnation != l.life {
			// It may have lost commits, and have made as many others since.
			l.forget(true)
			return errStartedAgain
		}
		if err := l.take(ctx, feed.Changes, &next); err != nil {
			return err
		}
		c.Since, next.horizon, next.now = feed.Next, feed.Horizon, feed.Now
		if !feed.More {
			break
		}
		if looked += len(feed.Changes); looked > mostAtOnce {
			l.forget(false)
			return errBehind
		}
	}
	l.cursor, l.epoch = c.Since, next.epoch
	l.floors.end(next.horizon)
	l.reading.Store(&next)
	return nil
}

// take raises the floors by what the feed has brought.
func (l *Ledger) take(ctx context.Context, changes []store.Change, next *reading) (err error) {
	for i := range changes {
		e := &changes[i].Entry
		l.floors.raise(e.Ref, e.Version)
		if e.Ref == epochRef {
			if next.epoch, err = readEpoch(ctx, l.primary); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget has the next read begin at the feed's end. Where the feed has gone back, so may
// have versions, and that begins a new epoch.
func (l *Ledger) forget(wentBack bool) {
	l.reading.Store(nil)
	l.cursor, l.wentBack = "", l.wentBack || wentBack
}

// start finds the feed's end. All copies from before are no longer good.
func (l *Ledger) start(ctx context.Context) error {
	feed, err := l.primary.Changes(ctx, store.Changes{FromNow: true, KeysOnly: true, Limit: 1})
	if err != nil {
		return err
	}
	// After that, so that whoever renews the epoch later is seen in the feed.
	if l.wentBack {
		l.options.Logger.Warn().Msg("the primary has gone back, or may have: copies from before are not served any more")
		l.epoch, err = renewEpoch(ctx, l.primary)
	} else {
		l.epoch, err = readEpoch(ctx, l.primary)
	}
	if err != nil {
		return err
	}
	l.floors.reset(feed.Horizon)
	l.cursor, l.life, l.wentBack = feed.Next, feed.Incarnation, false
	return nil
}
