package store

import (
	"context"
	"io"
	"slices"
)

// Capability names something that not every store can do.
type Capability string

// The capabilities, each with the interface it stands for.
const (
	CanSearch   Capability = "query"       // Searcher
	CanIndex    Capability = "indexes"     // Indexer
	CanSnapshot Capability = "snapshot"    // Snapshotter
	CanMaintain Capability = "maintenance" // Maintainer
	CanInspect  Capability = "inspection"  // Inspector
	CanSQL      Capability = "sql"         // SQLRunner
	CanPubSub   Capability = "pubsub"      // PubSub
	CanCache    Capability = "copies"      // Cacher
)

// Searcher finds entries by what they hold.
type Searcher interface {
	// Search answers q as Evaluate would, over the table as it is at one
	// moment, or over the slots of it each at one. Past the scan budget it
	// fails with QueryTooExpensive, whose Detail names the index that would
	// help.
	Search(ctx context.Context, q Query) (Found, error)
	// Count counts what q's filter matches; the rest of q but Budget counts
	// for nothing.
	Count(ctx context.Context, q Query) (Counted, error)
}

// Indexer keeps secondary indexes.
type Indexer interface {
	// Indexes lists a table's indexes by name.
	Indexes(ctx context.Context, table string) ([]Index, error)
	// PutIndex makes an index, or replaces one of another definition, and
	// returns once it is ready; made says whether there was anything to do.
	// Writes go on meanwhile. It fails with UniqueViolation, and leaves no
	// index, where the table's entries break a unique one, and with
	// Unsupported where the store can't hold entries in different slots to a
	// unique one.
	PutIndex(ctx context.Context, table string, def Index) (made bool, err error)
	// DropIndex removes an index; NotFound where there is none.
	DropIndex(ctx context.Context, table, name string) error
}

// Snapshotter copies the whole store while it serves.
type Snapshotter interface {
	// Snapshot writes the store as it is at one moment, in the engine's own
	// form, and says how many bytes that were.
	Snapshot(ctx context.Context, w io.Writer) (int64, error)
}

// Action is a piece of maintenance.
type Action string

// The actions. A store that does not know one fails with Unsupported.
const (
	Cleanup Action = "cleanup" // removes what has expired and tombstones past their retention
	Compact Action = "compact" // gives unused space back
	Flush   Action = "flush"   // empties a cache
	Vacuum  Action = "vacuum"
	Analyze Action = "analyze"
)

// Maintainer does maintenance while it serves.
type Maintainer interface {
	// Maintains says whether the store knows the action.
	Maintains(action Action) bool
	// Maintain does the action and returns when it is done. One that needs
	// the store for itself makes writes wait, never reads. Busy where such a
	// one is under way.
	Maintain(ctx context.Context, m Maintenance) error
}

// Maintenance says what to do.
type Maintenance struct {
	Action Action
	Table  string // "": all
}

// Inspector tells an operator how a backend is set up and how it fares.
type Inspector interface {
	Inspect(ctx context.Context) (Inspection, error)
}

// Inspection is what an Inspector found.
type Inspection struct {
	Durability string            // what an acknowledged write survives, in a sentence
	Details    map[string]string // settings worth seeing; no secrets, no addresses
	Figures    []Figure
}

// Figure is one number for a backend's metrics.
type Figure struct {
	Name    string // as Prometheus has it, with its unit: "file_bytes"
	Help    string
	Value   float64
	Counter bool // it only grows
}

// As gives the store's capability C. It asks Info().Capabilities too, so that
// a wrapper which has the methods of all capabilities offers only those of
// what it wraps.
//
//	searcher, ok := store.As[store.Searcher](s)
func As[C any](s Store) (C, bool) {
	c, ok := s.(C)
	if !ok || !slices.Contains(s.Info().Capabilities, capabilityOf[C]()) {
		var none C
		return none, false
	}
	return c, true
}

func capabilityOf[C any]() Capability {
	switch any((*C)(nil)).(type) {
	case *Searcher:
		return CanSearch
	case *Indexer:
		return CanIndex
	case *Snapshotter:
		return CanSnapshot
	case *Maintainer:
		return CanMaintain
	case *Inspector:
		return CanInspect
	case *SQLRunner:
		return CanSQL
	case *PubSub:
		return CanPubSub
	case *Cacher:
		return CanCache
	}
	return ""
}
