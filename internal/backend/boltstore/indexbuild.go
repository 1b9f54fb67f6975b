package boltstore

import (
	"context"
	"errors"
	"sync"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// Bounds of what building an index does in one of the writer's turns.
const (
	buildEntries = 500
	buildBytes   = 1 << 20
)

// build is an index being built in the background.
type build struct {
	done chan struct{} // closed once err is set
	err  error
}

// builds are those under way, by the index's id.
type builds struct {
	mu     sync.Mutex
	byID   map[uint64]*build
	closed bool // no more are begun
}

// build gives the building of an index that is under way, or begins one.
func (s *Store) build(x *index) *build {
	s.builds.mu.Lock()
	defer s.builds.mu.Unlock()
	b := s.builds.byID[x.id]
	if b != nil {
		return b
	}
	if s.builds.byID == nil {
		s.builds.byID = make(map[uint64]*build)
	}
	b = &build{done: make(chan struct{})}
	if s.builds.closed {
		b.err = s.closed()
		close(b.done)
		return b
	}
	s.builds.byID[x.id] = b
	s.owned.Go(func() {
		b.err = s.buildIndex(x)
		s.builds.mu.Lock()
		delete(s.builds.byID, x.id)
		s.builds.mu.Unlock()
		close(b.done)
	})
	return b
}

func (s *Store) awaitBuild(ctx context.Context, b *build) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return s.ended(ctx)
	}
}

// endBuilds keeps new ones from being begun, so that those that are can be
// waited for.
func (s *Store) endBuilds() {
	s.builds.mu.Lock()
	defer s.builds.mu.Unlock()
	s.builds.closed = true
}

// unfinished are the indexes that an earlier process did not finish building.
func unfinished(tx *bolt.Tx, c *catalog) ([]*index, error) {
	var begun []*index
	for _, indexes := range c.byTable {
		for _, x := range indexes {
			p, found, err := readProgress(tx, x.id)
			if err != nil {
				return nil, err
			}
			if found && !p.ready {
				begun = append(begun, x)
			}
		}
	}
	return begun, nil
}

// buildIndex adds a table's entries to an index, some at a time, and between
// them others write. Its progress is committed with what it adds, so that after
// a crash it goes on from there.
func (s *Store) buildIndex(x *index) error {
	for {
		var ready bool
		var broken error
		err := s.write(s.lifetime, buildBytes, func(w *writeTx) (err error) {
			ready, broken, err = w.buildChunk(x)
			return err
		})
		if err == nil {
			err = broken
		}
		if err != nil && s.lifetime.Err() == nil {
			s.options.Logger.Warn().Err(err).Str("table", x.Table).Str("index", x.Def.Name).Msg("an index could not be built")
		}
		if err != nil || ready {
			return err
		}
	}
}

// buildChunk adds the next entries to an index. Where the table breaks a unique
// one, broken says so, and the index is gone.
func (w *writeTx) buildChunk(x *index) (ready bool, broken, err error) {
	t, err := w.table(x.Table)
	if err != nil {
		return false, nil, err
	}
	in := t.index(x.id)
	switch {
	case in == nil:
		return false, w.s.fail(store.NotFound, "the index was dropped while it was being built", nil), nil
	case in.progress.ready:
		return true, nil, nil
	}
	w.touched++
	in.changed = true
	if t.entries == nil {
		in.progress.ready = true
		return true, nil, nil
	}
	entries, bytes := 0, 0
	cursor := t.entries.Cursor()
	k, v := cursor.Seek([]byte(in.progress.after + "\x00"))
	for ; k != nil && entries < buildEntries && bytes < buildBytes; k, v = cursor.Next() {
		entries++
		bytes += len(v)
		r, err := decodeRecord(v)
		if err != nil {
			return false, nil, err
		}
		in.progress.after = string(k)
		if err := w.buildEntry(in, in.progress.after, &r); err != nil {
			if errors.Is(err, store.UniqueViolation) {
				return false, err, w.dropIndex(x)
			}
			return false, nil, err
		}
	}
	if k == nil {
		in.progress.ready, in.progress.after = true, ""
	}
	return in.progress.ready, nil, nil
}

func (w *writeTx) buildEntry(x *indexTx, key string, r *record) error {
	p := x.Place(r.storedValue())
	if !p.Indexed {
		return nil
	}
	if x.Def.Unique && p.Whole && r.exists(w.now) {
		holder, taken, err := x.holder(w.tx, p.Fields, w.now, func(other string) bool { return other == key })
		if err != nil {
			return err
		}
		if taken {
			return x.Violation(store.Ref{Table: x.Table, Key: key}, holder)
		}
	}
	return x.insert(p, key)
}

func (t *tableTx) index(id uint64) *indexTx {
	for _, x := range t.indexes {
		if x.id == id {
			return x
		}
	}
	return nil
}
