package store

import (
	"context"
	"time"
)

// Cacher keeps copies of entries whose home is another store. They are no entries of
// its own: its tables, scans, queries and feed know nothing of them.
//
// It may lose any copy at any time, and may bring lost ones back, as a server does that
// starts again from an old file. So a copy says nothing about what is newest; whoever
// takes one has to show by other means that it is good.
//
// A space holds the copies of one store. All who share a cache and a home name it alike.
type Cacher interface {
	// Look gives the copy that is kept of an entry. Where there is none, and lease is
	// not 0, it gives the lease to fill the gap to one who looks, for no longer than
	// that, or until somebody fills it: see Sight. A lease is worth nothing but work
	// saved.
	Look(ctx context.Context, space string, ref Ref, lease time.Duration) (Copy, Sight, error)

	// Keep keeps copies, each unless the one that is there is newer: of the same
	// epoch, and of a later version, or of the same version and a later horizon.
	// Copies are lost after a time that the cache sets.
	Keep(ctx context.Context, space string, copies []Copy) error

	// Drop loses all copies of a space.
	Drop(ctx context.Context, space string) error
}

// Copy is an entry as it was in its home at a horizon.
type Copy struct {
	Entry   Entry   // as a reader saw it; Entry.Absent() for one that was not there
	Horizon Horizon // in the home's feed: whatever was committed and is not in Entry lies there or beyond
	Epoch   uint64  // the home's; horizons and versions of different epochs can't be compared
}

// Sight is what Look has seen.
type Sight uint8

// What there is to see.
const (
	Nothing Sight = iota // no copy, and no lease was asked for
	Held                 // a copy
	Granted              // no copy; it is for the caller to fill the gap
	Leased               // no copy; another has the lease
)
