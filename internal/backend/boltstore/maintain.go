package boltstore

import (
	"context"

	"larder/internal/store"
)

// Maintains knows two actions, Cleanup and Compact.
func (s *Store) Maintains(action store.Action) bool {
	return action == store.Cleanup || action == store.Compact
}

// Maintain cleans up one table or all. It compacts the whole file, whichever
// table is named.
func (s *Store) Maintain(ctx context.Context, m store.Maintenance) error {
	switch {
	case s.isClosed():
		return s.closed()
	case ctx.Err() != nil:
		return s.ended(ctx)
	}
	switch m.Action {
	case store.Cleanup:
		return s.reap(ctx, m.Table)
	case store.Compact:
		if !s.compacting.CompareAndSwap(false, true) {
			return s.fail(store.Busy, "the file is being compacted already", nil)
		}
		defer s.compacting.Store(false)
		return s.exclude(ctx, func() error { return s.compact(ctx) })
	}
	return s.fail(store.Unsupported, "a bbolt store knows cleanup and compact", nil)
}
