package cacheaside

import (
	"time"

	"larder/internal/store"
)

// condition is one of those that a copy has to meet. Each is needed; tests show it by
// leaving them out one by one (see without).
type condition uint8

const (
	met        condition = iota // all of them
	recentRead                  // the feed was read within the bound
	aboveFloor                  // no newer version is known
	withinFeed                  // the floors reach back to the copy's horizon
	asNewAsAsked
	sameEpoch
	stillAlive
)

// need is what a reader wants of a copy.
type need struct {
	bound   time.Duration // how old it may be
	version int64         // it may not be older than this
}

// judge says whether a copy of an entry may be served now, and how old it is then. It
// allocates nothing.
func (l *Ledger) judge(e *store.Entry, horizon store.Horizon, epoch uint64, n need, now time.Time) (age time.Duration, good bool) {
	age, failed := l.check(e, horizon, epoch, n, now)
	return age, failed == met
}

// check says which condition a copy does not meet.
func (l *Ledger) check(e *store.Entry, horizon store.Horizon, epoch uint64, n need, now time.Time) (age time.Duration, failed condition) {
	// The reading before the floors: what it brought is in them by then.
	r := l.reading.Load()
	if r == nil {
		return 0, recentRead
	}
	age = now.Sub(r.began)
	l.judged(age)
	if age > n.bound && !without(recentRead) {
		return 0, recentRead
	}
	if epoch != r.epoch && !without(sameEpoch) {
		return 0, sameEpoch
	}
	if e.Version < n.version && !without(asNewAsAsked) {
		return 0, asNewAsAsked
	}
	floor, since := l.floors.floor(e.Ref)
	if e.Version < floor && !without(aboveFloor) {
		return 0, aboveFloor
	}
	if horizon < since && !without(withinFeed) {
		return 0, withinFeed
	}
	if !e.ExpiresAt.IsZero() && !r.latest(age).Before(e.ExpiresAt) {
		return 0, stillAlive // it has ended, or may have
	}
	return age, met
}

// stale says in a trace why a copy is not served.
func (f condition) stale() string {
	return "stale: " + [...]string{
		met:          "it was good a moment later",
		recentRead:   "the feed was not read within the bound",
		aboveFloor:   "a newer version is known",
		withinFeed:   "it is from before what is known of the feed",
		asNewAsAsked: "a newer version was asked for",
		sameEpoch:    "it is of another epoch",
		stillAlive:   "it has expired",
	}[f]
}
