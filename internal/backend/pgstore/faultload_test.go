package pgstore

import (
	"context"
	"time"

	"larder/internal/store"
	"larder/internal/testenv/faultload"
)

// startLoad has clients write, who wait so long for an answer. The book is held
// against the primary's rows.
func startLoad(f *fixture, patience time.Duration) *faultload.Load {
	f.t.Helper()
	return faultload.Start(f.t, f, faultload.Options{Patience: patience, Read: func(ctx context.Context, refs []store.Ref) (store.Read, error) {
		_, read, err := f.readRows(ctx, refs)
		return read, err
	}})
}
