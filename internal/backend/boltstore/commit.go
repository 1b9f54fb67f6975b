package boltstore

import (
	"errors"
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// commit writes a group in one transaction. Where one of them fails halfway,
// which only a fault in the code or the file can bring about, each is done in
// a transaction of its own, so that it fails alone.
func (s *Store) commit(group []*request) {
	if s.commitTogether(group) {
		return
	}
	for i := range group {
		s.commitTogether(group[i : i+1])
	}
}

// commitTogether says whether the requests are finished. They always are where
// there is one.
func (s *Store) commitTogether(group []*request) bool {
	if err := s.refusal(); err != nil {
		finish(group, err)
		return true
	}
	f := s.file.Load()
	tx, err := f.db.Begin(true)
	if err != nil {
		finish(group, s.internal(err))
		return true
	}
	w, err := s.newWriteTx(tx)
	if err != nil {
		finish(group, s.internal(errors.Join(err, tx.Rollback())))
		return true
	}
	for _, r := range group {
		before := w.touched
		var bad bool
		bad, r.err = attempt(r.do, w)
		if bad || r.err != nil && w.touched > before {
			rolledBack := tx.Rollback()
			if len(group) > 1 && rolledBack == nil {
				return false
			}
			finish(group, s.internal(errors.Join(r.err, rolledBack)))
			return true
		}
	}
	if w.touched > 0 {
		err = s.land(f, w)
	} else {
		err = s.internal(tx.Rollback())
	}
	if err != nil {
		// Also those that failed by themselves may have done so because of
		// another one, which now is not written.
		finish(group, err)
		return true
	}
	s.tallies.requests.Add(int64(len(group)))
	for _, r := range group {
		r.finish(s.internal(r.err))
	}
	return true
}

func finish(group []*request, err error) {
	for _, r := range group {
		r.finish(err)
	}
}

// attempt runs one request. bad says that it broke off, and may have written.
func attempt(do func(w *writeTx) error, w *writeTx) (bad bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			bad, err = true, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return false, do(w)
}

// land commits the transaction and makes it known.
func (s *Store) land(f *file, w *writeTx) error {
	id := w.tx.ID()
	if err := commitSafely(f, w); err != nil {
		return s.notCommitted(f.db, id, err)
	}
	f.committed.Store(f.landing.Load())
	s.tallies.commits.Add(1)
	s.tallies.entries.Add(w.stored)
	for _, then := range w.afterwards {
		then()
	}
	s.feed.wake(w.tables)
	return nil
}

// commitSafely commits, and makes an error of what bbolt panics with where it
// finds the file damaged.
func commitSafely(f *file, w *writeTx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(panicked(p), w.tx.Rollback())
		}
	}()
	if err := w.finish(); err != nil {
		return errors.Join(err, w.tx.Rollback())
	}
	f.landing.Store(&landed{tx: w.tx.ID(), state: w.state})
	return w.tx.Commit()
}

// notCommitted says what a failed commit means.
//
// bbolt writes pages that nothing refers to yet, syncs them, then writes the
// one page that makes them the state of the file, and syncs that. In an error
// it does not say how far it came; but the state that it shows then does. Where
// that is still the old one, the last page was not written and nothing happened.
// Where it is the new one, it was written and may or may not be on disk.
//
// bbolt takes back in memory what it had done, so that the next commit is as
// good as any. After a failed fsync, though, the system may have dropped what it
// did not write, so nothing that needs it to be there may follow.
func (s *Store) notCommitted(db *bolt.DB, id int, cause error) error {
	if shown, err := newestTx(db); err == nil && shown < id {
		if isFull(cause) {
			return s.fail(store.StorageFull, "there is no room left for the store's file; nothing was written", cause)
		}
		s.refuse(cause)
		return s.fail(store.Unavailable, "the store's file could not be written; nothing was written", cause)
	}
	s.refuse(cause)
	return s.fail(store.Ambiguous, "the write may or may not have reached the disk", cause)
}

// newestTx is the id of the last transaction that is in the file, as the system
// shows it.
func newestTx(db *bolt.DB) (int, error) {
	tx, err := db.Begin(false)
	if err != nil {
		return 0, err
	}
	id := tx.ID()
	return id, tx.Rollback()
}
