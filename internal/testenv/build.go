package testenv

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

// Binary is an executable of larder's.
type Binary struct {
	Path string
}

// Build compiles cmd/larder as it is now: under the race detector where the
// test itself is. It takes some seconds, so the tests of a package share one.
func Build(t testing.TB) Binary {
	t.Helper()
	return BuildTagged(t, "")
}

// builds are the executables that this process has made, by their build tags.
var builds struct {
	sync.Mutex
	made map[string]Binary
}

// BuildTagged compiles it with build tags, with commas between them.
func BuildTagged(t testing.TB, tags string) Binary {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if binary, found := builds.made[tags]; found {
		return binary
	}
	dir, err := serverDir("larder-binary-", nil)
	if err != nil {
		t.Fatal(err)
	}
	binary := Binary{Path: filepath.Join(dir, "larder")}
	args := []string{"build", "-o", binary.Path}
	if underRace() {
		args = append(args, "-race")
	}
	if tags != "" {
		args = append(args, "-tags", tags)
	}
	build := exec.CommandContext(t.Context(), "go", append(args, "./cmd/larder")...)
	build.Dir = Root(t)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/larder: %v\n%s", err, output)
	}
	if builds.made == nil {
		builds.made = make(map[string]Binary)
	}
	builds.made[tags] = binary
	return binary
}

// Root is the directory of the module, where README.md is.
func Root(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	output, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("go env GOMOD: %v", err)
	}
	return filepath.Dir(strings.TrimSpace(string(output)))
}

func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, setting := range info.Settings {
		if setting.Key == "-race" {
			return setting.Value == "true"
		}
	}
	return false
}
