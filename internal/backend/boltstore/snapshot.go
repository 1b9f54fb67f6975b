package boltstore

import (
	"context"
	"io"

	bolt "go.etcd.io/bbolt"
)

// Snapshot writes a file that Open takes. It is one read transaction: writes go
// on, and what they free meanwhile is used again only afterwards, so the file
// may grow by as much as is written during a snapshot.
func (s *Store) Snapshot(ctx context.Context, w io.Writer) (n int64, err error) {
	if ctx.Err() != nil {
		return 0, s.ended(ctx)
	}
	to := &stoppable{s: s, ctx: ctx, w: w}
	err = s.view(func(tx *bolt.Tx) error {
		n, err = tx.WriteTo(to)
		if to.err != nil {
			return to.err // as it is: bbolt makes a text of some
		}
		return err
	})
	return n, err
}

// stoppable is a writer that fails once the caller is gone or the store closes.
type stoppable struct {
	s   *Store
	ctx context.Context
	w   io.Writer
	err error
}

func (t *stoppable) Write(b []byte) (int, error) {
	pace := pace{s: t.s, ctx: t.ctx, steps: stepsBetweenChecks - 1}
	if pace.ended() {
		t.err = pace.err()
		return 0, t.err
	}
	n, err := t.w.Write(b)
	if err != nil {
		t.err = err
	}
	return n, err
}
