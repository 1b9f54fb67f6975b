package boltstore

import (
	"errors"
	"strconv"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// begun commits something with a plain transaction of bbolt's and gives its id.
func (f *fixture) begun(commit bool) int {
	f.t.Helper()
	tx, err := f.file.Load().db.Begin(true)
	if err != nil {
		f.t.Fatal(err)
	}
	id := tx.ID()
	end := tx.Rollback
	if commit {
		end = tx.Commit
	}
	if err := end(); err != nil {
		f.t.Fatal(err)
	}
	return id
}

// TestWhatAFailedCommitMeans judges commits that failed before, and after, the
// state of the file was changed.
func TestWhatAFailedCommitMeans(t *testing.T) {
	for _, test := range []struct {
		name    string
		landed  bool
		cause   error
		code    store.Code
		refuses bool
	}{
		{"no room", false, &syscallError{syscall.ENOSPC}, store.StorageFull, false},
		{"no room for a longer file", false, flattened(syscall.EFBIG), store.StorageFull, false},
		{"over quota", false, &syscallError{syscall.EDQUOT}, store.StorageFull, false},
		{"pages not written", false, &syscallError{syscall.EIO}, store.Unavailable, true},
		{"state not synced", true, syscall.EIO, store.Ambiguous, true},
		{"no room when the state was synced", true, syscall.ENOSPC, store.Ambiguous, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			s.apply(put("k", "1"))
			id := s.begun(test.landed)
			err := s.notCommitted(s.file.Load().db, id, test.cause)
			fails(t, "the commit", err, test.code)
			_, err = s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("k", "2")}})
			if !test.refuses {
				if err != nil {
					t.Errorf("the next write: %v", err)
				}
				return
			}
			fails(t, "the next write", err, store.Unavailable)
			fails(t, "Ping", s.Ping(t.Context()), store.Unavailable)
			fails(t, "compacting", s.Maintain(t.Context(), store.Maintenance{Action: store.Compact}), store.Unavailable)
			s.holds("k", "1")
			s.reopen()
			s.apply(put("k", "2"))
			s.holds("k", "2")
		})
	}
}

// flattened is how bbolt passes on the errors of growing a file.
func flattened(err error) error { return errors.New("file resize error: " + err.Error()) }

type syscallError struct{ errno syscall.Errno }

func (e *syscallError) Error() string { return "write: " + e.errno.Error() }
func (e *syscallError) Unwrap() error { return e.errno }

// TestStatesAreKnownWithoutLooking holds what readers are told of the state
// against what is in the file.
func TestStatesAreKnownWithoutLooking(t *testing.T) {
	s := open(t)
	for range 2 {
		for i := range 20 {
			s.apply(put("k", strconv.Itoa(i)))
			err := s.view(func(tx *bolt.Tx) error {
				told, err := s.stateIn(tx)
				if err != nil {
					return err
				}
				read, err := readState(tx)
				if told != read || s.file.Load().committed.Load().tx != tx.ID() {
					t.Errorf("told %+v of transaction %d, want %+v of %d", told, s.file.Load().committed.Load().tx, read, tx.ID())
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := s.compactFile(); err != nil {
			t.Fatal(err)
		}
	}
}
