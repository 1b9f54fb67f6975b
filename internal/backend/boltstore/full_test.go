package boltstore

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

// What the full disk of a test has room for, and how much after room was made.
const (
	smallDisk = 4 << 20
	largeDisk = 16 << 20
)

// TestFullDisk fills a small file system in memory, or, where it may not mount
// one, goes by the limit on the size of files alone, as TestFileSizeLimit does.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	size := func(bytes int) string { return fmt.Sprintf("size=%d", bytes) }
	if err := syscall.Mount("larder", dir, "tmpfs", 0, size(smallDisk)); err != nil {
		t.Logf("no file system could be mounted (%v); the limit on the size of files is used instead", err)
		fullDiskInAnotherProcess(t)
		return
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	}()
	fillDisk(t, dir, func() error {
		return syscall.Mount("larder", dir, "tmpfs", syscall.MS_REMOUNT, size(largeDisk))
	})
}

const limitVariable = "LARDER_TEST_LIMITED"

// TestFileSizeLimit limits the size of files, in a process of its own, since
// the limit is one of the whole process.
func TestFileSizeLimit(t *testing.T) {
	dir := os.Getenv(limitVariable)
	if dir == "" {
		fullDiskInAnotherProcess(t)
		return
	}
	limit := func(bytes uint64) error {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			return err
		}
		l.Cur = bytes
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
	}
	if err := limit(smallDisk); err != nil {
		t.Fatal(err)
	}
	fillDisk(t, dir, func() error { return limit(largeDisk) })
}

func fullDiskInAnotherProcess(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFileSizeLimit$", "-test.v")
	cmd.Env = append(os.Environ(), limitVariable+"="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestFileSizeLimit") {
		t.Errorf("the other process: %v\n%s", err, out)
	}
}

// fillDisk writes until there is no room, and shows that nothing acknowledged
// is lost, that reads go on, and that writes do once there is room.
func fillDisk(t *testing.T, dir string, makeRoom func() error) {
	t.Helper()
	s := open(t, func(o *Options) { o.Path, o.NoSync = filepath.Join(dir, "larder.db"), false })
	defer s.close() // before the file system goes
	s.index(store.Index{Name: "n", Fields: numberField("n")})
	large := func(i int) store.Op {
		return put(fmt.Sprintf("k%04d", i), fmt.Sprintf(`{"n":%d,"text":%q}`, i, strings.Repeat("x", 50_000)))
	}
	written := 0
	for ; ; written++ {
		if _, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{large(written)}}); err != nil {
			fails(t, "writing to a full disk", err, store.StorageFull)
			says(t, store.AsError(err).Detail, "no room", "nothing was written")
			break
		}
		if written > largeDisk/50_000 {
			t.Fatal("the disk does not get full")
		}
	}
	if written < 10 {
		t.Fatalf("only %d entries found room", written)
	}
	whole := func(n int) {
		t.Helper()
		s.counts("t", int64(n))
		for i := range n {
			if e := s.get(fmt.Sprintf("k%04d", i)); !e.Value.Equal(large(i).Value) {
				t.Errorf("entry %d of %d was lost: %+v", i, n, e.Ref)
			}
		}
		if found := s.search(store.Query{Filter: is("/n", value.OpGte, "0"), Limit: 1000}); len(found.Entries) != n {
			t.Errorf("the index finds %d entries, want %d", len(found.Entries), n)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
	whole(written)
	for range 3 {
		_, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{large(written)}})
		fails(t, "writing again", err, store.StorageFull)
	}
	if err := s.Maintain(t.Context(), store.Maintenance{Action: store.Compact}); err != nil {
		fails(t, "compacting", err, store.StorageFull)
	}
	whole(written)
	s.reopen()
	whole(written)

	if err := makeRoom(); err != nil {
		t.Fatalf("making room: %v", err)
	}
	for range 50 {
		s.apply(large(written))
		written++
	}
	whole(written)
	s.reopen()
	whole(written)
}

// TestNewFileOnAFullDisk has no room for even an empty store.
func TestNewFileOnAFullDisk(t *testing.T) {
	for _, errno := range fullErrnos {
		err := openError(&Options{Path: "/data/larder.db"}, flattened(errno))
		fails(t, "opening", err, store.StorageFull)
		says(t, store.AsError(err).Detail, "/data/larder.db", "no room")
	}
	if isFull(errors.New("input/output error")) || isFull(syscall.EIO) {
		t.Error("an I/O error was taken for a full disk")
	}
}
