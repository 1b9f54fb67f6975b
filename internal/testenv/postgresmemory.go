package testenv

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// freeMemory removes the System V segment that a killed server has left, of
// which there may be few: a start on the same data would do so too. Line 7 of
// postmaster.pid has its key and id.
func freeMemory(dataDir string) error {
	lines := strings.Split(readFile(filepath.Join(dataDir, "postmaster.pid")), "\n")
	if len(lines) < 7 {
		return nil
	}
	key, id, _ := strings.Cut(strings.TrimSpace(lines[6]), " ")
	segment, err := strconv.Atoi(strings.TrimSpace(id))
	if err != nil || key == "" {
		return nil //nolint:nilerr // there is none
	}
	_, err = unix.SysvShmCtl(segment, unix.IPC_RMID, nil)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EIDRM) {
		return nil // it is gone
	}
	return err
}
