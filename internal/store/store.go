package store

import (
	"context"
	"time"
)

// Store keeps entries. A backend is one, and so is everything that stands
// between a backend and the HTTP handlers.
//
// All methods may be called from many goroutines at once. They return when
// ctx ends, with Timeout or Canceled where nothing was written and Ambiguous
// where that is not known. Errors are *Error.
//
// An expired entry is absent from the moment of its end, in reads, scans,
// counts, queries and preconditions alike, by the backend's clock.
//
// A store may keep its keys in slots that have no moment in common, as a
// cluster does; which key is in which is its own affair. What is said here of
// one moment it keeps for the keys of each slot, and it refuses with CrossSlot
// what it is not allowed to do slot by slot, which is Apply.
type Store interface {
	// Info says what this store is and can do. It does not change.
	Info() Info

	// Get gives the entries in the order of refs, an absent one as
	// Entry.Absent; absence is no error. All are read at one moment, and
	// Read.Horizon is where the change feed stood then: whatever is not
	// seen here lies beyond it. An error that has a Ref is of that entry's
	// slot; others may yet be read.
	Get(ctx context.Context, refs []Ref) (Read, error)

	// Apply does all operations of b or none, at one moment, durably: when
	// it returns without an error, the batch survives a crash of the host
	// process (for Redis see Inspection.Durability). Results are in the
	// order of the operations. A batch of one fails with its operation's
	// error, a longer one with BatchFailed, which lists every failed
	// precondition; one that is sound but goes over several slots with
	// CrossSlot, which lists every operation whose key is not in the slot of
	// the first's. ApplyEach needs no slot in common.
	Apply(ctx context.Context, b Batch) ([]Result, error)

	// Scan gives a page of a table's entries, as they are at one moment. A
	// table that was never written is empty.
	Scan(ctx context.Context, s Scan) (Page, error)

	// Changes gives a page of the change feed: every key at its latest
	// change after a cursor, deletions too, in the order of commits for each
	// key. A commit is never skipped, however late it becomes visible.
	Changes(ctx context.Context, c Changes) (Feed, error)

	// Install takes over entries as another store committed them: versions,
	// times and tombstones as they are. For each key the newer version wins;
	// an entry that is not newer is passed over, so Install may be repeated.
	// Of one version a living entry replaces a tombstone: that is this store's
	// own, for an end of life that the other store has put off in that version.
	// All entries are installed at one moment.
	Install(ctx context.Context, entries []Entry) error

	// Tables lists the tables that hold an entry or a tombstone, by name,
	// system tables too.
	Tables(ctx context.Context) ([]TableInfo, error)

	// Ping asks the backend whether it serves.
	Ping(ctx context.Context) error

	// Close ends what is under way and frees everything. Calls after it fail
	// with Unavailable.
	Close() error
}

// Info describes a store.
type Info struct {
	Name         string // as the operator named it
	Engine       string // "bbolt", "postgresql", "redis", or a strategy's name
	Capabilities []Capability
	Limits       Limits
}

// Read is what Get found.
type Read struct {
	Entries []Entry
	Horizon Horizon
	Source  Source
}

// Horizon is a position in the change feed that can be compared: whatever was
// committed and not seen at a horizon lies at or beyond it. It has meaning
// within one store only.
type Horizon uint64

// TableInfo says how much a table holds.
type TableInfo struct {
	Name      string
	Entries   int64 // that exist; neither tombstones nor expired ones
	Estimated bool
}

// Changes asks for a page of the change feed.
type Changes struct {
	Table   string // "": every table, system tables too
	Prefix  string // of the key; "": all
	Since   Cursor // "": from the beginning, or where FromNow is set from here on
	FromNow bool   // begin after what has been committed before the call; some of it may come yet
	Limit   int    // changes in the page; 0 means Limits.MaxPage

	// Wait is how long to wait for a change where there is none yet; 0: not
	// at all. A page that came to nothing still has a cursor to go on from.
	Wait time.Duration

	KeysOnly bool // changes come without values

	// Early gives too what has been committed and lies at the horizon or beyond
	// it, which is so where an older transaction is still under way. All that was
	// committed before the call is then in the pages; what is early in them comes
	// again. A page that has More may end beyond the horizon: its Next is to go on
	// with at once, not to be kept. It can't be asked for together with Wait.
	Early bool
}

// Cursor is a place in a change feed, opaque to all but the store it is from.
// One from before what the store still knows gives Compacted, and so does one
// that the store never gave; a text that can't be a cursor gives InvalidCursor.
type Cursor string

// Feed is a page of changes.
type Feed struct {
	Changes []Change
	Next    Cursor  // goes on after this page; never ""
	Horizon Horizon // below it nothing more will come
	More    bool    // there is another page already

	// Incarnation is another one where the store may have lost commits in between, as
	// when its server was started again, or another has taken its place. 0: the store
	// can't tell.
	Incarnation uint64

	// Now is what the store's clock showed when the page was read, or somewhat
	// later: by it entries expire.
	Now time.Time
}

// Change is one key at its latest. Entry is a tombstone for a deletion; an
// expiry shows as a deletion once the entry has been reaped.
type Change struct {
	Entry
	Cursor Cursor // goes on after this change
}

// Validate checks names and bounds.
func (c Changes) Validate(lim Limits) error {
	if c.Table != "" {
		if err := ValidateTable(c.Table); err != nil {
			return err
		}
	}
	if err := validateBound(InvalidScan, "prefix", c.Prefix); err != nil {
		return err
	}
	if c.FromNow && c.Since != "" {
		return invalid(InvalidScan, "since", "a reader begins at a cursor or from now, not both")
	}
	if c.Early && c.Wait > 0 {
		return invalid(InvalidScan, "wait", "what is early can't be waited for")
	}
	return validateLimit(c.Limit, lim)
}

// PageLimit is the number of changes the page may hold.
func (c Changes) PageLimit(lim Limits) int { return pageLimit(c.Limit, lim) }
