package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// build compiles a command of this module, once for each benchmark that needs
// it; the build cache makes the second time cheap.
func build(b testing.TB, pkg string) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), filepath.Base(pkg))
	out, err := exec.Command("go", "build", "-o", binary, pkg).CombinedOutput()
	if err != nil {
		b.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return binary
}

// process is a server that a benchmark has started.
type process struct {
	address string
	pid     int
	stop    func()
}

// startBare starts the server that does the least.
func startBare(b testing.TB) process {
	b.Helper()
	return start(b, exec.Command(build(b, "larder/bench/bare"), "-file", filepath.Join(b.TempDir(), "bare.db")),
		func(line string) string { return line })
}

// startLarder starts larder with its defaults on a data directory.
func startLarder(b testing.TB, data string) process {
	b.Helper()
	cmd := exec.Command(build(b, "larder/cmd/larder"), "serve")
	cmd.Env = append(cmd.Environ(),
		"LARDER_LISTEN=127.0.0.1:0", "LARDER_LOG_FORMAT=json",
		"LARDER_PRIMARY=bolt://"+filepath.Join(data, "larder.db"))
	return start(b, cmd, func(line string) string {
		var entry struct {
			Message string `json:"message"`
			Address string `json:"address"`
		}
		if json.Unmarshal([]byte(line), &entry) != nil || entry.Message != "ready" {
			return ""
		}
		return entry.Address
	})
}

// start runs a server until the benchmark ends, and returns once a line of its
// output, or of its log, tells the address.
func start(b testing.TB, cmd *exec.Cmd, address func(line string) string) process {
	b.Helper()
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			b.Error(err)
		}
		_ = cmd.Wait() // how it ended is not what is measured
		_ = writer.Close()
	})
	b.Cleanup(stop)
	found := make(chan string, 1)
	go func() {
		var log strings.Builder
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			if a := address(lines.Text()); a != "" {
				found <- a
				_, _ = io.Copy(io.Discard, reader)
				return
			}
			log.WriteString(lines.Text() + "\n")
		}
		found <- "\n" + log.String()
	}()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	select {
	case a := <-found:
		if strings.HasPrefix(a, "\n") {
			b.Fatalf("%s ended: %s", cmd.Path, a)
		}
		return process{address: a, pid: cmd.Process.Pid, stop: stop}
	case <-ctx.Done():
		b.Fatalf("%s did not tell its address in time", cmd.Path)
		return process{}
	}
}
