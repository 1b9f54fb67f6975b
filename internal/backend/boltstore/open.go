package boltstore

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// mapBytes is how much address space a file is mapped into, whatever its size;
// twice the file where that is more. It costs nothing until the file grows
// into it. A file that outgrows its mapping makes bbolt wait for every read
// transaction, a long snapshot too, and all new ones wait behind it.
const mapBytes = 64 << 30

// growBytes is how much a file grows by at once; that costs an fsync.
const growBytes = 1 << 20

// compactSuffix names the file that compaction writes. One that is left over
// was never in use.
const compactSuffix = ".compact"

// openFile opens the file as one of larder's, or makes it one if it is new.
func openFile(o *Options) (*bolt.DB, error) {
	if o.Path == "" {
		return nil, openError(o, errors.New("no path was given"))
	}
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o750); err != nil {
		return nil, openError(o, &placeError{err})
	}
	isNew, err := examine(o)
	if err != nil {
		return nil, openError(o, err)
	}
	db, err := openBolt(o, o.Path, sizeOf(o.Path))
	if err != nil {
		return nil, openError(o, err)
	}
	if isNew {
		err = errors.Join(format(db), syncDirectory(o.Path))
	}
	// Only whoever holds the lock may judge that the file is left over.
	if removed := os.Remove(o.Path + compactSuffix); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, &placeError{removed})
	}
	if err != nil {
		return nil, openError(o, closeAfter(db, err))
	}
	return db, nil
}

// openBolt opens a bbolt file, which may grow to bytes at least, for writing,
// and locks it.
func openBolt(o *Options, path string, bytes int64) (*bolt.DB, error) {
	options := bolt.Options{
		Timeout:         o.LockTimeout,
		FreelistType:    bolt.FreelistMapType,
		NoSync:          o.NoSync,
		InitialMmapSize: mapSize(bytes),
	}
	db, _, err := lockBolt(path, options)
	if errors.Is(err, syscall.ENOMEM) {
		options.InitialMmapSize = 0 // there is a limit on address space
		db, _, err = lockBolt(path, options)
	}
	if err != nil {
		return nil, err
	}
	db.AllocSize = growBytes
	return db, nil
}

// lockBolt opens a bbolt file and gives it with the file that is locked.
//
// While this waits for the lock, its holder may put another file in the place
// of the one that this will have locked then, as compaction does. What were
// written to that would be lost, so this begins anew with the other.
func lockBolt(path string, options bolt.Options) (db *bolt.DB, locked *os.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, panicked(p)
		}
	}()
	options.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode)
		if err != nil {
			return nil, &placeError{err}
		}
		locked = f
		return f, nil
	}
	for {
		db, err = bolt.Open(path, 0o600, &options)
		if err != nil {
			return nil, nil, err
		}
		same, err := isStill(locked, path)
		switch {
		case err != nil:
			return nil, nil, closeAfter(db, &placeError{err})
		case same:
			return db, locked, nil
		}
		if err := db.Close(); err != nil {
			return nil, nil, err
		}
	}
}

func mapSize(bytes int64) int {
	if strconv.IntSize < 64 {
		return 0
	}
	return int(max(mapBytes, 2*bytes))
}

// sizeOf is 0 for a file that is not there.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func isStill(f *os.File, path string) (bool, error) {
	opened, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return os.SameFile(opened, there), nil
}

// format makes a new file larder's.
func format(db *bolt.DB) error {
	id := make([]byte, 8)
	rand.Read(id) // never fails
	return db.Update(func(tx *bolt.Tx) error {
		meta, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		_, tablesErr := tx.CreateBucket(tablesBucket)
		_, indexesErr := tx.CreateBucket(indexesBucket)
		return errors.Join(tablesErr, indexesErr,
			meta.Put(formatKey, binary.BigEndian.AppendUint32([]byte(formatMagic), formatVersion)),
			meta.Put(fileIDKey, []byte(hex.EncodeToString(id))),
			meta.Put(stateKey, fileState{}.encode()))
	})
}

// syncDirectory makes a new name, or one that has moved, survive a crash.
func syncDirectory(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return &placeError{err}
	}
	err = dir.Sync()
	return errors.Join(err, dir.Close())
}

func closeAfter(db *bolt.DB, err error) error {
	if closed := db.Close(); closed != nil {
		return errors.Join(err, fmt.Errorf("closing: %w", closed))
	}
	return err
}
