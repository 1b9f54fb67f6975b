package boltstore

import (
	"context"

	"larder/internal/store"
)

// Install stores what another store committed. The table's version floor does
// not count here: versions are the other store's, which may have reaped less.
//
// A unique index can't refuse what has been committed elsewhere. The entry is
// stored and stands in the index beside the other one, with a warning in the
// log; the next write of either that keeps them equal fails.
func (s *Store) Install(ctx context.Context, entries []store.Entry) error {
	size := 0
	for i := range entries {
		if err := entries[i].Ref.Validate(); err != nil {
			return err
		}
		if entries[i].Version < 1 {
			return s.fail(store.InvalidOperation, "an entry to install has a version", nil)
		}
		size += 256 + len(entries[i].Value.Data)
	}
	if len(entries) == 0 {
		return nil
	}
	return s.write(ctx, size, func(w *writeTx) error {
		for i := range entries {
			if err := w.install(&entries[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *writeTx) install(e *store.Entry) error {
	t, err := w.table(e.Table)
	if err != nil {
		return err
	}
	old, found, err := t.load(e.Key)
	if err != nil || found && !e.InPlaceOf(old.version, old.deleted()) {
		return err
	}
	if !e.Deleted {
		if err := w.warnOfViolation(t, e); err != nil {
			return err
		}
	}
	return t.put(e)
}

func (w *writeTx) warnOfViolation(t *tableTx, e *store.Entry) error {
	for _, x := range t.indexes {
		p := x.Place(e.Value)
		if !x.Def.Unique || !p.Whole {
			continue
		}
		holder, taken, err := x.holder(w.tx, p.Fields, w.now, func(key string) bool { return key == e.Key })
		if err != nil {
			return err
		}
		if taken {
			w.s.options.Logger.Warn().Str("table", e.Table).Str("index", x.Def.Name).
				Str("key", e.Key).Str("other", holder).
				Msg("an installed entry breaks a unique index")
		}
	}
	return nil
}
