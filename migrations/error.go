package migrations

import "fmt"

// NewerError says that a schema was made by a newer larder than this one.
type NewerError struct {
	Schema         string
	Version, Known int // of the schema, and the newest of this binary
}

// Error says what to do, too.
func (e *NewerError) Error() string {
	return fmt.Sprintf("schema %q is at version %d and this larder knows versions up to %d: run a larder that is as new as the schema, or take it back with that one's `larder migrate down --to %d`",
		e.Schema, e.Version, e.Known, e.Known)
}

// UnfitError says why larder can't store in a database.
type UnfitError struct{ Reason string }

// Error gives the reason.
func (e *UnfitError) Error() string { return e.Reason }
