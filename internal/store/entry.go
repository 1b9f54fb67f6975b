package store

import (
	"maps"
	"time"

	"larder/internal/value"
)

// Entry is what is stored under a Ref, or, as a tombstone, what is left of it.
// Entries are values: whoever gets one may keep it, nobody may change the
// bytes and the map it shares with others.
//
// Times are UTC in whole microseconds, the finest that every backend keeps.
type Entry struct {
	Ref
	Value     value.Value
	Version   int64     // 1 at the first write, +1 at each; 0: never written
	CreatedAt time.Time // of this life: a deleted and re-created entry starts anew
	UpdatedAt time.Time
	ExpiresAt time.Time // zero: never
	Metadata  map[string]string
	Deleted   bool // a tombstone; Value, Metadata and ExpiresAt are then zero
}

// Exists says whether there is a value to give.
func (e Entry) Exists() bool { return e.Version > 0 && !e.Deleted }

// ExpiredAt says whether the entry's life has ended by now. The end itself no
// longer belongs to it.
func (e Entry) ExpiredAt(now time.Time) bool {
	return e.Exists() && !e.ExpiresAt.IsZero() && !now.Before(e.ExpiresAt)
}

// Absent is what a reader sees of an entry that has been deleted or has
// expired: its name, and the version that the next write goes on from.
func (e Entry) Absent() Entry {
	return Entry{Ref: e.Ref, Version: e.Version, Deleted: e.Version > 0}
}

// At is the entry as a reader sees it at that time: an expired one is absent.
func (e Entry) At(now time.Time) Entry {
	if e.Deleted || e.ExpiredAt(now) {
		return e.Absent()
	}
	return e
}

// Tombstone is what deleting the entry leaves: the next version, and no value.
func (e Entry) Tombstone(now time.Time) Entry {
	return Entry{Ref: e.Ref, Version: e.Version + 1, UpdatedAt: e.nextUpdate(now), Deleted: true}
}

// nextUpdate is the time of the next write. It never goes back, so that a
// clock set back does not make an entry older than the one it replaced.
func (e Entry) nextUpdate(now time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if now.Before(e.UpdatedAt) {
		return e.UpdatedAt
	}
	return now
}

// InPlaceOf says whether Install puts the entry, as another store committed it, in
// place of one that is there, of which only the version and Deleted count.
func (e Entry) InPlaceOf(version int64, deleted bool) bool {
	return e.Version > version || e.Version == version && deleted && !e.Deleted
}

// Equal compares everything, bytes included.
func (e Entry) Equal(o Entry) bool {
	return e.Ref == o.Ref && e.Version == o.Version && e.Deleted == o.Deleted &&
		e.Value.Equal(o.Value) &&
		e.CreatedAt.Equal(o.CreatedAt) && e.UpdatedAt.Equal(o.UpdatedAt) && e.ExpiresAt.Equal(o.ExpiresAt) &&
		maps.Equal(e.Metadata, o.Metadata)
}

// WithoutValue is the entry for those who asked for keys only.
func (e Entry) WithoutValue() Entry {
	e.Value = value.Value{Encoding: e.Value.Encoding}
	return e
}
