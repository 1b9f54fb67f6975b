package boltstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// refused opens a file that can't be, and gives the advice.
func refused(t *testing.T, path string, code store.Code) string {
	t.Helper()
	s, err := Open(Options{Path: path, LockTimeout: 50 * time.Millisecond})
	if err == nil {
		t.Errorf("%s was opened; want an error", path)
		s.Close()
		return ""
	}
	fails(t, "opening "+path, err, code)
	e, ok := errors.AsType[*store.Error](err)
	if !ok || e.Detail == "" || strings.Contains(e.Detail, "\n") {
		t.Errorf("the error %v does not say in a line what to do", err)
		return ""
	}
	return e.Detail
}

func says(t *testing.T, detail string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(detail, word) {
			t.Errorf("%q does not mention %q", detail, word)
		}
	}
}

// made gives the path of a closed file with some entries.
func made(t *testing.T) string {
	t.Helper()
	s := open(t)
	fill(t, s.Store, "t", 2000)
	s.close()
	return s.options.Path
}

func digest(t *testing.T, path string) [32]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}

// overwrite puts bytes over those of a file.
func overwrite(t *testing.T, path string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestOpenMakesDirectories(t *testing.T) {
	s := open(t, func(o *Options) { o.Path = filepath.Join(filepath.Dir(o.Path), "a", "b", "larder.db") })
	s.apply(put("k", "1"))
	s.reopen()
	s.holds("k", "1")
}

func TestADamagedFile(t *testing.T) {
	page := int64(os.Getpagesize())
	for name, damage := range map[string]func(path string){
		"checksums": func(path string) {
			overwrite(t, path, 60, []byte{1, 2, 3})
			overwrite(t, path, page+60, []byte{1, 2, 3})
		},
		"versions": func(path string) {
			overwrite(t, path, 20, []byte{9})
			overwrite(t, path, page+20, []byte{9})
		},
		"first page": func(path string) {
			overwrite(t, path, 0, make([]byte, page))
			overwrite(t, path, page+60, []byte{1, 2, 3})
		},
		"free list":      func(path string) { overwrite(t, path, freelistPage(t, path)*page+8, []byte{0xff, 0xff}) },
		"down to a page": func(path string) { truncate(t, path, page) },
		"down to little": func(path string) { truncate(t, path, 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			path := made(t)
			damage(path)
			before := digest(t, path)
			says(t, refused(t, path, store.Unavailable), path, "damaged", "copy")
			if digest(t, path) != before {
				t.Error("the file was written to")
			}
		})
	}
}

// freelistPage finds the page that the newest state's list of free pages is on.
func freelistPage(t *testing.T, path string) int64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, second := b[16:], b[os.Getpagesize()+16:]
	if binary.NativeEndian.Uint64(second[48:]) > binary.NativeEndian.Uint64(first[48:]) {
		first = second
	}
	return int64(binary.NativeEndian.Uint64(first[32:]))
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// TestAnAddressSpaceTooSmallForTheMapping asks for more than there can be.
func TestAnAddressSpaceTooSmallForTheMapping(t *testing.T) {
	o := Options{Path: filepath.Join(t.TempDir(), "larder.db")}.withDefaults()
	db, err := openBolt(&o, o.Path, 1<<46)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(format(db), db.Close()); err != nil {
		t.Error(err)
	}
}

func TestOneBadHeaderOfTwoIsNoDamage(t *testing.T) {
	for _, at := range []int64{60, int64(os.Getpagesize()) + 60} {
		s := open(t)
		s.apply(put("k", "1"))
		s.close()
		overwrite(t, s.options.Path, at, []byte{1, 2, 3})
		again, err := Open(s.options)
		if err != nil {
			t.Errorf("with a bad header at %d: %v", at, err)
			continue
		}
		s.Store = again
	}
}

func TestATruncatedFile(t *testing.T) {
	path := made(t)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	err = errors.Join(db.View(func(tx *bolt.Tx) error { size = tx.Size(); return nil }), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	truncate(t, path, size)
	s, err := Open(Options{Path: path})
	if err != nil {
		t.Fatalf("with all of its pages: %v", err)
	}
	if err := errors.Join(s.Check(t.Context()), s.Close()); err != nil {
		t.Error(err)
	}
	for _, cut := range []int64{1, 5000, size / 2} {
		truncate(t, path, size-cut)
		says(t, refused(t, path, store.Unavailable), path, "cut short", "copy")
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	for name, write := range map[string]func(path string) error{
		"a text":        func(path string) error { return os.WriteFile(path, []byte("# Notes\n"), 0o600) },
		"a long text":   func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("Notes. "), 10_000), 0o600) },
		"zeroes":        func(path string) error { return os.WriteFile(path, make([]byte, 1<<16), 0o600) },
		"another bbolt": func(path string) error { return boltFile(path, "buckets", "k", "v") },
		"another one with a bucket like larder's": func(path string) error {
			return boltFile(path, "larder", "format", "jam")
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := write(path); err != nil {
				t.Fatal(err)
			}
			before := digest(t, path)
			says(t, refused(t, path, store.Unavailable), path, "not a file of larder's", "another path")
			if digest(t, path) != before {
				t.Error("the file was written to")
			}
		})
	}
}

// boltFile makes a bbolt file with one key in one bucket.
func boltFile(path, bucket, key, text string) error {
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte(bucket))
		if err != nil {
			return err
		}
		return b.Put([]byte(key), []byte(text))
	})
	return errors.Join(err, db.Close())
}

func TestAFileWhoseMakingWasCutOffIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.db")
	bare := filepath.Join(dir, "bare.db")
	db, err := bolt.Open(bare, 0o600, nil)
	if err := errors.Join(err, os.WriteFile(empty, nil, 0o600), db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, bare} {
		s := open(t, func(o *Options) { o.Path = path })
		s.apply(put("k", "1"))
		s.reopen()
		s.holds("k", "1")
	}
}

func TestAFileOfANewerLarder(t *testing.T) {
	path := made(t)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(metaBucket).Put(formatKey, binary.BigEndian.AppendUint32([]byte(formatMagic), formatVersion+1))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	before := digest(t, path)
	says(t, refused(t, path, store.Unavailable), path, "newer", fmt.Sprint("format ", formatVersion+1))
	if digest(t, path) != before {
		t.Error("the file was written to")
	}
}

func TestPlacesWhereThereCanBeNoFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, refused(t, filepath.Join(file, "larder.db"), store.Unavailable), "can't be used", "not a directory")
	says(t, refused(t, dir, store.Unavailable), "can't be used", "regular file")
	says(t, refused(t, "", store.InvalidOperation), "path")
}

// TestADirectoryThatMustNotBeWritten opens as a user without rights, by the
// identity that Linux keeps for each thread's use of files, since for root
// there are none that it lacks.
func TestADirectoryThatMustNotBeWritten(t *testing.T) {
	const nobody = 65534
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o555)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with this
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Errorf("becoming nobody: %v", err)
			return
		}
		for _, path := range []string{filepath.Join(dir, "larder.db"), filepath.Join(dir, "sub", "larder.db")} {
			says(t, refused(t, path, store.Unavailable), path, "write access", dir)
		}
	}()
	<-done
	err := openError(&Options{Path: "/data/larder.db"}, &placeError{&fs.PathError{Op: "open", Path: "/data/larder.db", Err: syscall.EROFS}})
	says(t, store.AsError(err).Detail, "/data/larder.db", "read-only")
}
