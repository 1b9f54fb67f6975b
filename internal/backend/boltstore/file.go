package boltstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// file is an open bbolt file and who is using it. Compaction replaces it under
// running readers, and bbolt's Close would hold up those that begin while it
// waits for the ones that have begun; so it is closed once nobody is left.
type file struct {
	db    *bolt.DB
	users atomic.Int64 // one of them is the store, as long as this is its file
	idle  chan struct{}
	once  sync.Once

	// What the last two transactions left, so that readers need not look it
	// up in the one that they read in: the one that is committed, and the one
	// that is about to be, which readers may see first.
	committed, landing atomic.Pointer[landed]
}

// landed is a transaction and the state that it leaves.
type landed struct {
	tx    int
	state fileState
}

func newFile(db *bolt.DB) *file {
	f := &file{db: db, idle: make(chan struct{})}
	f.users.Store(1)
	return f
}

func (f *file) release() {
	if f.users.Add(-1) == 0 {
		f.once.Do(func() { close(f.idle) })
	}
}

// stateIn gives the state that a read transaction sees.
func (s *Store) stateIn(tx *bolt.Tx) (fileState, error) {
	if f := s.file.Load(); f.db == tx.DB() {
		id := tx.ID()
		if l := f.committed.Load(); l != nil && l.tx == id {
			return l.state, nil
		}
		if l := f.landing.Load(); l != nil && l.tx == id {
			return l.state, nil
		}
	}
	return readState(tx)
}

// acquire gives the file that is current. The caller releases it.
func (s *Store) acquire() *file {
	for {
		f := s.file.Load()
		f.users.Add(1)
		if s.file.Load() == f {
			return f
		}
		// It has been replaced meanwhile, and may be closed at any time.
		f.release()
	}
}

// begin starts a read transaction. The caller calls done with it.
func (s *Store) begin() (*bolt.Tx, *file, error) {
	f := s.acquire()
	tx, err := f.db.Begin(false)
	if err != nil {
		f.release()
		return nil, nil, s.internal(err)
	}
	return tx, f, nil
}

// done ends a read transaction.
func (s *Store) done(tx *bolt.Tx, f *file) error {
	err := tx.Rollback()
	f.release()
	return err
}

// view reads in one transaction, at one moment. A page that bbolt can't make
// sense of is an error here, though bbolt panics.
func (s *Store) view(read func(tx *bolt.Tx) error) (err error) {
	if s.isClosed() {
		return s.closed()
	}
	tx, f, err := s.begin()
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
		err = s.internal(errors.Join(err, s.done(tx, f)))
	}()
	return read(tx)
}

// panicked makes an error of what bbolt panics with on a page it can't read. A
// bug panics with a runtime.Error, and has to be seen.
func panicked(p any) error {
	return fmt.Errorf("%w: %v", errDamaged, p)
}

// pace asks now and then within a long loop whether it is still wanted.
type pace struct {
	s     *Store
	ctx   context.Context
	steps int
}

const stepsBetweenChecks = 512

func (s *Store) pace(ctx context.Context) pace { return pace{s: s, ctx: ctx} }

// ended says whether the caller is gone, or the store about to be.
func (p *pace) ended() bool {
	p.steps++
	return p.steps%stepsBetweenChecks == 0 && (p.ctx.Err() != nil || p.s.isClosed())
}

// err is the error for having ended.
func (p *pace) err() error {
	if p.ctx.Err() != nil {
		return p.s.ended(p.ctx)
	}
	return p.s.closed()
}
