package boltstore

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"

	"larder/internal/store"
)

// fail makes an error of this store.
func (s *Store) fail(code store.Code, detail string, cause error) *store.Error {
	return &store.Error{Code: code, Backend: s.options.Name, Detail: detail, Err: cause}
}

// closed is what every call gets after Close.
func (s *Store) closed() *store.Error {
	return s.fail(store.Unavailable, "the store has been closed", nil)
}

// ended is what a call gets whose context ended before anything was written.
func (s *Store) ended(ctx context.Context) *store.Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return s.fail(store.Timeout, "the deadline passed before the store came to it; nothing was written", context.Cause(ctx))
	}
	return s.fail(store.Canceled, "the caller went away", context.Cause(ctx))
}

// internal wraps what went wrong while reading or evaluating. Errors that are
// the domain's already pass through.
func (s *Store) internal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return s.closed()
	case errors.Is(err, bolterrors.ErrInvalidMapping):
		return s.fail(store.Unavailable, "the file could not be mapped into memory again as it grew; restart", err)
	case errors.Is(err, errDamaged):
		return s.fail(store.Internal, "the file is damaged; restore it from a backup", err)
	}
	e, ok := errors.AsType[*store.Error](err)
	if !ok {
		return s.fail(store.Internal, "the store failed", err)
	}
	return e
}

// fullErrnos are what the system says where there is no room left for a file:
// on the device, within the quota, under the limit on the size of files.
var fullErrnos = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// isFull says whether an error comes from a lack of room. bbolt flattens the
// errors of growing a file into text, so there the text has to do.
func isFull(err error) bool {
	for _, errno := range fullErrnos {
		if errors.Is(err, errno) || strings.Contains(err.Error(), errno.Error()) {
			return true
		}
	}
	return false
}

// isDenied says whether the system refuses writing to a place for good.
func isDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}
