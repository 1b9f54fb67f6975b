package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/internal/testenv"
)

// BenchmarkMillion starts on a file with a million entries and tells how long
// it took until the gateway was ready, and how much memory it held once it had
// nothing to do: what it has allocated, and apart from that what it has of
// the file, which the system may take back at any time.
func BenchmarkMillion(b *testing.B) {
	binary, at := testenv.Build(b), testenv.Options{Dir: b.TempDir()}
	first := binary.Serve(b, at)
	fill(b, first.Address, "million", 1_000_000)
	if err := first.Stop(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		started := time.Now()
		larder := binary.Serve(b, at)
		took := time.Since(started)
		load(b, larder.Address, 1, 1, func(int) []byte { return get("/tables/million/keys/user0500000") })
		allocated, mapped := memory(b, larder.PID)
		b.ReportMetric(float64(took.Milliseconds()), "ms-to-ready")
		b.ReportMetric(allocated, "MiB-allocated")
		b.ReportMetric(mapped, "MiB-of-file")
		b.ReportMetric(0, "ns/op")
		if err := larder.Stop(); err != nil {
			b.Fatal(err)
		}
	}
}

// memory reads a process' resident memory from the kernel, in MiB.
func memory(b *testing.B, pid int) (allocated, mapped float64) {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			continue
		}
		switch fields[0] {
		case "RssAnon:":
			allocated = kib / 1024
		case "RssFile:":
			mapped = kib / 1024
		}
	}
	return allocated, mapped
}
