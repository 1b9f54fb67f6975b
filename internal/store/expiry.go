package store

import "time"

// MaxTTL is the longest life an entry can be given, ten years.
const MaxTTL = 10 * 365 * 24 * time.Hour

// Expiry says what an operation does to an entry's life. Its zero value
// leaves that to the operation: a Put ends the old life and gives the table's
// default, everything else keeps what there is.
type Expiry struct {
	mode expiryMode
	at   time.Time
	in   time.Duration
}

type expiryMode uint8

const (
	expiryUnset expiryMode = iota
	expiryKeep
	expiryNever
	expiryAt
	expiryIn
)

// KeepExpiry keeps what the entry has; a new entry gets the table's default.
func KeepExpiry() Expiry { return Expiry{mode: expiryKeep} }

// NeverExpires takes any end away, the table's default too.
func NeverExpires() Expiry { return Expiry{mode: expiryNever} }

// ExpiresAt sets the end. One that does not lie in the future by the backend's
// clock, or lies beyond MaxTTL, is refused with InvalidTTL.
func ExpiresAt(at time.Time) Expiry { return Expiry{mode: expiryAt, at: at} }

// ExpiresIn sets the end by the backend's clock; from a microsecond to MaxTTL.
func ExpiresIn(d time.Duration) Expiry { return Expiry{mode: expiryIn, in: d} }

// IsUnset says whether the operation leaves the choice open.
func (x Expiry) IsUnset() bool { return x.mode == expiryUnset }

// Keeps says whether it is KeepExpiry.
func (x Expiry) Keeps() bool { return x.mode == expiryKeep }

// Never says whether it is NeverExpires.
func (x Expiry) Never() bool { return x.mode == expiryNever }

// Instant gives the end asked for by ExpiresAt.
func (x Expiry) Instant() (time.Time, bool) { return x.at, x.mode == expiryAt }

// Duration gives the life asked for by ExpiresIn.
func (x Expiry) Duration() (time.Duration, bool) { return x.in, x.mode == expiryIn }

// resolve gives the end of an entry that is written now. old is the end it
// had, zero for one that is new; whole says that the operation replaces the
// entry rather than changes it.
func (x Expiry) resolve(old time.Time, isNew, whole bool, byDefault time.Duration, now time.Time) (time.Time, error) {
	switch x.mode {
	case expiryNever:
		return time.Time{}, nil
	case expiryAt:
		at := x.at.UTC().Truncate(time.Microsecond)
		if !at.After(now) {
			return time.Time{}, invalid(InvalidTTL, "expires_at", "expires_at lies in the future, this one is %s ago", now.Sub(at).Round(time.Millisecond))
		}
		if at.Sub(now) > MaxTTL {
			return time.Time{}, invalid(InvalidTTL, "expires_at", "expires_at is at most ten years away")
		}
		return at, nil
	case expiryIn:
		if x.in < time.Microsecond || x.in > MaxTTL {
			return time.Time{}, invalid(InvalidTTL, "ttl_seconds", "a ttl is longer than nothing and at most ten years")
		}
		return now.Add(x.in).Truncate(time.Microsecond), nil
	case expiryUnset, expiryKeep:
		if !isNew && (x.mode == expiryKeep || !whole) {
			return old, nil
		}
	}
	if byDefault > 0 {
		return now.Add(byDefault).Truncate(time.Microsecond), nil
	}
	return time.Time{}, nil
}
