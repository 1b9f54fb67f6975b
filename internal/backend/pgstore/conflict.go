package pgstore

import (
	"context"

	"larder/internal/store"
)

// conflict says what comes of a batch that the server refused.
func (s *Store) conflict(_ context.Context, b store.Batch, err error) ([]store.Result, error) {
	if sqlState(err) == stateUniqueViolation {
		return nil, b.Fail(0, &store.Error{Code: store.UniqueViolation, Ref: b.Ops[0].Ref, Err: err})
	}
	return nil, s.internal(err)
}
