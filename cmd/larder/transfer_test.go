package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"larder/cmd/larder/internal/transfer"
)

// contents is what the lines of an export come to, without what a new write
// changes.
func contents(t *testing.T, lines string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for text := range strings.Lines(lines) {
		line, err := transfer.ParseLine([]byte(text), "")
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		name := line.Table + "/" + *line.Key
		if line.Deleted {
			delete(found, name)
			continue
		}
		found[name] = fmt.Sprint(string(line.Value), line.Encoding, line.Metadata, line.ExpiresAt)
	}
	return found
}

func equal(a, b map[string]string) error {
	for name, text := range a {
		if b[name] != text {
			return fmt.Errorf("%s is %q on one side and %q on the other", name, text, b[name])
		}
	}
	if len(a) != len(b) {
		return fmt.Errorf("%d entries on one side, %d on the other", len(a), len(b))
	}
	return nil
}

func imported(t *testing.T, out string) importSummary {
	t.Helper()
	var s importSummary
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return s
}

func TestExportAndImportRoundTrip(t *testing.T) {
	from, to := start(t), start(t)
	dir := t.TempDir()
	file, cursors := filepath.Join(dir, "all.ndjson"), filepath.Join(dir, "cursors.json")

	from.must("", "put", "users", "ada", `{"z": 1, "big": 123456789012345678901234567890, "small": 0.1000, "text": "<ü&>"}`, "--metadata", "tier=gold", "--ttl", "1h")
	from.must("\x00\x01\xff", "put", "files", "a/b 😀", "--bytes")
	from.must("", "put", "users", "gone", "1")
	from.must("", "delete", "users", "gone")
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, `{"table": "numbers", "key": "k%d", "value": {"n": %d}}`+"\n", i, i)
	}
	if s := imported(t, from.must(many.String(), "import", "-")); s.Entries != 3000 || s.Next != 3001 {
		t.Fatalf("got %+v", s)
	}

	r := from.call("", "export", "-o", file, "--cursor-file", cursors)
	var done transfer.Exported
	if err := json.Unmarshal([]byte(r.err), &done); err != nil || r.code != 0 || r.out != "" || done.Entries != 3002 || done.Deletions != 0 || done.Tables != 3 {
		t.Fatalf("exits with %d (%v): %s", r.code, err, r.err)
	}
	if s := imported(t, to.must("", "import", file)); s.Entries != 3002 || s.Failed != 0 {
		t.Fatalf("got %+v", s)
	}
	if err := equal(contents(t, from.must("", "export")), contents(t, to.must("", "export"))); err != nil {
		t.Fatal(err)
	}
	if got := to.must("", "get", "users", "ada"); got != from.must("", "get", "users", "ada") || !strings.Contains(got, "123456789012345678901234567890") && !strings.Contains(got, "1.2345678901234567890123456789e+29") {
		t.Errorf("got %s", got)
	}
	if got := to.must("", "get", "files", "a/b 😀"); got != "\x00\x01\xff" {
		t.Errorf("got %q", got)
	}

	// Only what changed since goes over the second time.
	from.must("", "put", "users", "bob", "2")
	from.must("", "delete", "numbers", "k7")
	from.must("", "put", "numbers", "k8", `"new"`)
	from.must("", "put", "later", "x", "1")
	changes := from.must("", "export", "--since", cursors, "--cursor-file", cursors)
	if n := strings.Count(changes, "\n"); n != 4 || !strings.Contains(changes, `{"table":"numbers","key":"k7","deleted":true,"version":2}`) {
		t.Errorf("%d lines changed:\n%s", n, changes)
	}
	if s := imported(t, to.must(changes, "import", "-")); s.Entries != 3 || s.Deletions != 1 {
		t.Errorf("got %+v", s)
	}
	if err := equal(contents(t, from.must("", "export")), contents(t, to.must("", "export"))); err != nil {
		t.Error(err)
	}
	if again := from.must("", "export", "--since", cursors); again != "" {
		t.Errorf("nothing changed, and it exports %s", again)
	}
	cursor := done.Cursors["users"]
	if one := from.must("", "export", "users", "--since", "users="+cursor); strings.Count(one, "\n") != 1 || !strings.Contains(one, `"bob"`) {
		t.Errorf("since %s there is %s", cursor, one)
	}
}

func TestImportResumes(t *testing.T) {
	g := start(t)
	file := filepath.Join(t.TempDir(), "users.ndjson")
	lines := []string{
		`{"key": "a", "value": 1}`, `{"key": "b", "value": 2}`, `{"key": "c" "value": 3}`, `{"key": "d", "value": 4}`,
	}
	write := func() {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	r := g.call("", "import", file, "--table", "users")
	if r.code != 1 || len(r.lines()) != 1 || !strings.Contains(r.err, "line 3: not JSON") || !strings.HasSuffix(r.err, "; resume with --since 3\n") {
		t.Fatalf("exits with %d: %s", r.code, r.err)
	}
	if s := imported(t, r.out); s.Entries != 2 || s.Next != 3 || s.Error == "" {
		t.Errorf("got %+v", s)
	}

	r = g.call("", "import", file, "--table", "users", "--continue-on-error")
	if r.code != 1 || len(r.lines()) != 2 || !strings.Contains(r.err, "1 lines could not be imported") {
		t.Errorf("exits with %d: %s", r.code, r.err)
	}

	lines[2] = `{"key": "c", "value": 3}`
	write()
	if s := imported(t, g.must("", "import", file, "--table", "users", "--since", "3")); s.Entries != 2 {
		t.Errorf("got %+v", s)
	}
	if got := keys(t, g.must("", "list", "users")); got != "a b c d" {
		t.Errorf("got %s", got)
	}
}

func TestImportSkipsWhatHasExpired(t *testing.T) {
	g := start(t)
	past := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	s := imported(t, g.must(`{"key": "old", "value": 1, "expires_at": "`+past+`"}`+"\n"+`{"key": "new", "value": 1}`, "import", "-", "--table", "users"))
	if s.Expired != 1 || s.Entries != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestImportTellsWhichLineTheGatewayRefuses(t *testing.T) {
	g := start(t, "LARDER_MAX_DEPTH=3")
	lines := `{"key": "a", "value": 1}` + "\n" + `{"key": "deep", "value": [[[[1]]]]}` + "\n" + `{"table": "no table!", "key": "b", "value": 1}` + "\n" + `{"key": "c", "value": 1}`
	r := g.call(lines, "import", "-", "--table", "users", "--continue-on-error")
	if r.code != 1 || !strings.Contains(r.err, "larder: line 2: invalid_json: ") || !strings.Contains(r.err, "larder: line 3: invalid_table: ") {
		t.Errorf("exits with %d: %s", r.code, r.err)
	}
	if s := imported(t, r.out); s.Entries != 2 || s.Failed != 2 {
		t.Errorf("got %+v", s)
	}
}

func TestInterruptedImportSaysWhereToGoOn(t *testing.T) {
	g := start(t)
	cmd := command(t.Context(), []string{"LARDER_URL=" + g.url("")}, []string{"import", "-", "--table", "users"})
	var out, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	const lines = 20_000 // more than a pipe holds, so that it is at work
	for i := range lines {
		fmt.Fprintf(stdin, `{"key": "k%d", "value": 1}`+"\n", i)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(stdin, `{"key": "last", "value": 1}`)
	stdin.Close()
	_ = cmd.Wait() // its exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.HasPrefix(stderr.String(), "larder: interrupted; resume with --since ") {
		t.Fatalf("exits with %d: %s", code, stderr.String())
	}
	s := imported(t, out.String())
	stored := make(map[string]bool)
	for _, e := range entries(t, g.must("", "list", "users", "--all")) {
		stored[e.Key] = true
	}
	for i := range s.Next - 1 {
		if i < lines && !stored[fmt.Sprintf("k%d", i)] {
			t.Fatalf("line %d is not stored, and it says to resume at %d", i+1, s.Next)
		}
	}
}
