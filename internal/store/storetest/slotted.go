package storetest

import (
	"cmp"
	"context"
	"hash/fnv"
	"slices"

	"larder/internal/store"
)

// Slotted is a [Model] that keeps its keys in slots, as a cluster does. What
// [store.Store] promises of one moment it keeps for a slot, and for nothing
// beyond it.
type Slotted struct{ *Model }

var (
	_ store.Store   = (*Slotted)(nil)
	_ store.Indexer = (*Slotted)(nil)
)

// slotCount is how many slots there are.
const slotCount = 16

// Slot says which slot an entry is in. It goes by the key alone.
func (s *Slotted) Slot(ref store.Ref) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(ref.Key)) // it never fails
	return int(h.Sum32() % slotCount)
}

// Apply implements [store.Store].
func (s *Slotted) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if err := b.Validate(s.options.Limits); err != nil {
		return nil, s.fail(err)
	}
	if err := s.oneSlot(b); err != nil {
		return nil, err
	}
	return s.Model.Apply(ctx, b)
}

// oneSlot refuses a batch over several slots.
func (s *Slotted) oneSlot(b store.Batch) error {
	failures := b.Elsewhere(s.Slot)
	if failures == nil {
		return nil
	}
	return s.fail(&store.Error{
		Code: store.CrossSlot, Ref: failures[0].Err.Ref, Failures: failures,
		Detail: "the keys of an atomic batch lie in one slot; apply those that lie elsewhere in a batch of their own, or each by itself",
	})
}

// Get implements [store.Store], entry by entry.
func (s *Slotted) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	read, err := s.Model.Get(ctx, nil)
	for _, ref := range refs {
		if err != nil {
			break
		}
		var one store.Read
		if one, err = s.Model.Get(ctx, []store.Ref{ref}); err == nil {
			read.Entries = append(read.Entries, one.Entries...)
		}
	}
	return read, err
}

// Scan implements [store.Store]. Changes of the same time it gives by slots.
func (s *Slotted) Scan(ctx context.Context, scan store.Scan) (store.Page, error) {
	page, err := s.Model.Scan(ctx, scan)
	if err != nil || scan.Order != store.ByChange {
		return page, err
	}
	for rest := page.Entries; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(e store.Entry) bool { return !e.UpdatedAt.Equal(rest[0].UpdatedAt) })
		if n < 0 {
			n = len(rest)
		}
		slices.SortStableFunc(rest[:n], func(a, b store.Entry) int { return cmp.Compare(s.Slot(a.Ref), s.Slot(b.Ref)) })
		rest = rest[n:]
	}
	return page, nil
}

// Install implements [store.Store], entry by entry.
func (s *Slotted) Install(ctx context.Context, entries []store.Entry) error {
	for i := range entries {
		if err := entries[i].Ref.Validate(); err != nil {
			return s.fail(err)
		}
	}
	err := s.Model.Install(ctx, nil)
	for i := range entries {
		if err != nil {
			break
		}
		err = s.Model.Install(ctx, entries[i:i+1])
	}
	return err
}

// PutIndex implements [store.Indexer] for all but unique indexes.
func (s *Slotted) PutIndex(ctx context.Context, table string, def store.Index) (bool, error) {
	if err := def.Validate(table); err != nil {
		return false, s.fail(err)
	}
	if def.Unique {
		return false, s.fail(&store.Error{Code: store.Unsupported, Field: "unique", Detail: "the table's keys lie in several slots, over which no index can be unique; make one that is not"})
	}
	return s.Model.PutIndex(ctx, table, def)
}
