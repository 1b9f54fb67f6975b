package bench

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"larder/internal/testenv"
)

// startBare starts the server that does the least, and gives its address. The
// end of the benchmark stops it.
func startBare(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	binary := filepath.Join(dir, "bare")
	build := exec.CommandContext(b.Context(), "go", "build", "-o", binary, "larder/bench/bare")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("go build larder/bench/bare: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(b.Context(), binary, "-file", filepath.Join(dir, "bare.db"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			b.Error(err)
		}
		if err := cmd.Wait(); err == nil {
			b.Error("the bare server ended by itself")
		}
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the bare server tells no address: %v", err)
	}
	return strings.TrimSpace(address)
}

// startLarder starts larder as it is by default, and gives its address.
func startLarder(b *testing.B) string {
	b.Helper()
	return testenv.Build(b).Serve(b, testenv.Options{}).Address
}
