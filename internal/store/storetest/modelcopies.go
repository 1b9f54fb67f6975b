package storetest

import (
	"context"
	"time"

	"larder/internal/store"
)

// modelCopies are the copies of other stores' entries, by space.
type modelCopies map[string]map[store.Ref]modelCopy

// modelCopy is a copy, or a lease on the gap where none is.
type modelCopy struct {
	copy   store.Copy
	leased time.Time // until then; zero: this is a copy
}

// Look implements [store.Cacher].
func (m *Model) Look(ctx context.Context, space string, ref store.Ref, lease time.Duration) (store.Copy, store.Sight, error) {
	if err := ref.Validate(); err != nil {
		return store.Copy{}, store.Nothing, m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return store.Copy{}, store.Nothing, err
	}
	defer m.mu.Unlock()
	kept, found := m.copies[space][ref]
	switch now := time.Now(); { // a lease has nothing to do with the entries' clock
	case found && kept.leased.IsZero():
		return kept.copy, store.Held, nil
	case lease == 0:
		return store.Copy{}, store.Nothing, nil
	case found && now.Before(kept.leased):
		return store.Copy{}, store.Leased, nil
	default:
		m.copiesOf(space)[ref] = modelCopy{leased: now.Add(lease)}
		return store.Copy{}, store.Granted, nil
	}
}

// Keep implements [store.Cacher].
func (m *Model) Keep(ctx context.Context, space string, copies []store.Copy) error {
	for i := range copies {
		if err := copies[i].Entry.Ref.Validate(); err != nil {
			return m.fail(err)
		}
	}
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, c := range copies {
		old, found := m.copiesOf(space)[c.Entry.Ref]
		if found && old.leased.IsZero() && !newer(c, old.copy) {
			continue
		}
		m.copiesOf(space)[c.Entry.Ref] = modelCopy{copy: c}
	}
	return nil
}

// newer says whether a copy takes the place of another.
func newer(c, old store.Copy) bool {
	switch {
	case c.Epoch != old.Epoch:
		return true
	case c.Entry.Version != old.Entry.Version:
		return c.Entry.Version > old.Entry.Version
	}
	return c.Horizon > old.Horizon
}

// Drop implements [store.Cacher].
func (m *Model) Drop(ctx context.Context, space string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.copies, space)
	return nil
}

func (m *Model) copiesOf(space string) map[store.Ref]modelCopy {
	if m.copies[space] == nil {
		m.copies[space] = make(map[store.Ref]modelCopy)
	}
	return m.copies[space]
}
