package boltstore

import (
	"errors"
	"fmt"
	"path/filepath"

	bolterrors "go.etcd.io/bbolt/errors"

	"larder/internal/store"
)

// openError says what to do about a file that can't be opened.
func openError(o *Options, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*store.Error](err); ok {
		return e
	}
	e := &store.Error{Code: store.Unavailable, Backend: o.Name, Err: err}
	newer, isNewer := errors.AsType[*newerFormatError](err)
	place, isPlace := errors.AsType[*placeError](err)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		e.Detail = fmt.Sprintf("%s is in use by another process: stop that one (fuser %s finds it), or give this one a file of its own", o.Path, o.Path)
	case isNewer:
		e.Detail = fmt.Sprintf("%s was written by a newer larder, in format %d: run that one; this one knows formats up to %d", o.Path, newer.version, formatVersion)
	case errors.Is(err, errForeign):
		e.Detail = fmt.Sprintf("%s is not a file of larder's, and is left as it is: give another path", o.Path)
	case errors.Is(err, errTruncated):
		e.Detail = fmt.Sprintf("%s has been cut short, as by a copy that broke off: put back a complete copy", o.Path)
	case errors.Is(err, errDamaged), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch):
		e.Detail = fmt.Sprintf("%s is damaged: put back a copy, or move it away to begin with an empty store", o.Path)
	case isFull(err):
		e.Code = store.StorageFull
		e.Detail = fmt.Sprintf("there is no room for %s: make room on its disk, or raise the quota", o.Path)
	case isPlace && isDenied(err):
		e.Detail = fmt.Sprintf("%s can't be written: give this user write access to it and to %s, on a file system that is not read-only", o.Path, filepath.Dir(o.Path))
	case isPlace:
		e.Detail = fmt.Sprintf("%s can't be used: %s", o.Path, place)
	case o.Path == "":
		e.Code, e.Detail = store.InvalidOperation, "a bbolt store has the path of a file, as in bolt://./data/larder.db"
	default:
		e.Detail = fmt.Sprintf("%s can't be opened: %s", o.Path, err)
	}
	return e
}
