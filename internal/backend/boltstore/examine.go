package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// What examine finds wrong with a file; openError says what to do about it.
var (
	errForeign   = errors.New("not a file of larder's")
	errTruncated = errors.New("shorter than it says it is")
)

// newerFormatError is for files of a later larder.
type newerFormatError struct{ version uint32 }

func (e *newerFormatError) Error() string { return fmt.Sprintf("format %d", e.version) }

// placeError is about the path, not about what is there.
type placeError struct{ err error }

func (e *placeError) Error() string { return e.err.Error() }
func (e *placeError) Unwrap() error { return e.err }

// examine looks at a file before anything may write to it: bbolt would take
// one that is cut short, and die reading it, and would write to one that is
// not larder's. It says whether the file is still to be made.
func examine(o *Options) (isNew bool, err error) {
	info, err := os.Stat(o.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, &placeError{err}
	case !info.Mode().IsRegular():
		return false, &placeError{errors.New("it is not a regular file")}
	case info.Size() == 0:
		return true, nil
	}
	db, f, err := lockBolt(o.Path, bolt.Options{ReadOnly: true, Timeout: o.LockTimeout})
	if err != nil {
		return false, examineRaw(o.Path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	err = db.View(func(tx *bolt.Tx) error {
		info, err := f.Stat()
		if err != nil {
			return &placeError{err}
		}
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: it has %d bytes of %d", errTruncated, info.Size(), tx.Size())
		}
		isNew, err = checkFormat(tx)
		return err
	})
	return isNew, err
}

// checkFormat refuses what this code can't or must not write to. A bbolt file
// without a single bucket is one whose making was cut off.
func checkFormat(tx *bolt.Tx) (isNew bool, err error) {
	if first, _ := tx.Cursor().First(); first == nil {
		return true, nil
	}
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return false, errForeign
	}
	text := meta.Get(formatKey)
	version, isLarders := bytes.CutPrefix(text, []byte(formatMagic))
	if !isLarders || len(version) != 4 {
		return false, errForeign
	}
	if v := binary.BigEndian.Uint32(version); v > formatVersion {
		return false, &newerFormatError{v}
	}
	if tx.Bucket(tablesBucket) == nil || tx.Bucket(indexesBucket) == nil {
		return false, damagedf("buckets are missing")
	}
	return false, nil
}

// boltMagic begins, after a header of 16 bytes, both of the first two pages of
// a bbolt file.
const boltMagic = 0xED0CDAED

// examineRaw tells a damaged file of bbolt's from one that never was one.
func examineRaw(path string, cause error) (err error) {
	if errors.Is(cause, bolterrors.ErrTimeout) {
		return cause
	}
	if _, ok := errors.AsType[*placeError](cause); ok {
		return cause
	}
	f, err := os.Open(path)
	if err != nil {
		return &placeError{err}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, page := range []int64{0, int64(os.Getpagesize())} {
		var head [20]byte
		if _, err := f.ReadAt(head[:], page); err != nil && !errors.Is(err, io.EOF) {
			return &placeError{err}
		}
		if binary.NativeEndian.Uint32(head[16:]) == boltMagic {
			return fmt.Errorf("%w: %w", errDamaged, cause)
		}
	}
	return errForeign
}
