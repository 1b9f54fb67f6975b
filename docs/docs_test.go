// Package docs has the pages for larder's users, and the tests that do what
// they say: every command is run against a larder of the page's own, what is
// seen is compared with what is shown, every piece of Go is run, every link is
// followed, every test that is named exists.
package docs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/testenv"
)

// Commands that a page shows, and that are not run as they are.
const (
	serveCommand = "go run ./cmd/larder serve"               // the page's larder is that
	testCommand  = "go tool -modfile=tools/go.mod task test" // runs this test
)

// shownAddress is where a reader's larder listens.
const shownAddress = "127.0.0.1:8080"

// withoutFigures are pages over servers that leave the figures to others.
var withoutFigures = []string{"docs/failover.md"}

const commandTimeout = 2 * time.Minute // go run compiles

func TestPages(t *testing.T) {
	root := testenv.Root(t)
	binary := testenv.Build(t)
	for _, page := range pages(t, root) {
		t.Run(page, func(t *testing.T) {
			blocks := readBlocks(t, filepath.Join(root, page))
			r := newReader(t, root, binary, serversFor(t, page, blocks))
			for _, b := range blocks {
				switch b.language {
				case "console":
					for _, c := range b.commands(t, page) {
						r.follow(t, c)
					}
				case "go":
					r.runGo(t, fmt.Sprintf("%s:%d", page, b.line), b.lines)
				case "json", "yaml", "text":
				default:
					t.Errorf("%s:%d: what is to be done with a block of %q?", page, b.line, b.language)
				}
			}
			if r.servers.any() && !slices.Contains(withoutFigures, page) {
				r.checkFigures(t, page)
			}
		})
	}
}

// reader does what a page says, with a larder of its own.
type reader struct {
	root    string
	binary  testenv.Binary
	servers servers
	larder  *testenv.Larder // nil: the page has not started it yet
	scratch terminal        // where the larder works
	source  terminal        // the module's root
}

func newReader(t *testing.T, root string, binary testenv.Binary, of servers) *reader {
	t.Helper()
	own := t.TempDir()
	// curl shows how far it is unless it writes to a terminal, which a pipe's
	// first command does not.
	if err := os.WriteFile(filepath.Join(own, ".curlrc"), []byte("no-progress-meter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	installed := filepath.Join(own, "bin")
	path := []string{installed, filepath.Dir(binary.Path), os.Getenv("PATH")}
	if of.primary != nil {
		path = append([]string{postgresPrograms(t)}, path...)
	}
	env := append(environ(),
		"PATH="+strings.Join(path, ":"),
		"GOBIN="+installed,
		"CURL_HOME="+own,
		"TERM=xterm", "NO_COLOR=1", "LC_ALL=C.UTF-8", "TZ=UTC", "PAGER=cat",
	)
	r := &reader{
		root: root, binary: binary, servers: of,
		scratch: terminal{dir: t.TempDir(), env: env},
		source:  terminal{dir: root, env: env},
	}
	if !of.any() {
		r.serve(t)
	}
	return r
}

// serve starts the page's larder, in place of the one there was.
func (r *reader) serve(t *testing.T, env ...string) {
	t.Helper()
	if r.larder != nil {
		if err := r.larder.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	r.larder = r.binary.Serve(t, testenv.Options{Dir: r.scratch.dir, Env: append(env, "LARDER_LOG_FORMAT=console", "NO_COLOR=1")})
	for _, at := range []*terminal{&r.scratch, &r.source} {
		at.env = append(slices.Clone(at.env), "LARDER_URL="+r.larder.URL)
	}
}

// follow does one command.
func (r *reader) follow(t *testing.T, c command) {
	t.Helper()
	over, serves := servesOver(c)
	switch {
	case serves:
		settings := r.asRun(strings.Join(over.settings, "\x00"))
		r.serve(t, strings.Split(settings, "\x00")...)
		r.servers.awaitStandby(t, r.larder, strings.Join(over.settings, " "))
		fallthrough
	case c.text == serveCommand:
		if shown := r.asShown(r.larder.Log()); !matches(append(c.output, "…"), shown) {
			t.Errorf("%s: the page shows\n%s\nand the log is\n%s", c.where, strings.Join(c.output, "\n"), shown)
		}
		return
	case c.text == testCommand:
		r.checkTestCommand(t, c)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	at := r.scratch
	if strings.HasPrefix(c.text, "go ") || strings.HasPrefix(c.text, "examples/") {
		at = r.source
	}
	seen, err := at.run(ctx, r.asRun(c.text))
	seen = r.asShown(seen)
	if !matches(c.output, seen) {
		t.Errorf("%s: $ %s\nthe page shows\n%s\nand this is seen\n%s", c.where, c.text, strings.Join(c.output, "\n"), seen)
	}
	if err != nil && len(c.output) == 0 {
		t.Errorf("%s: $ %s\n%v", c.where, c.text, err)
	}
}

// addresses are those that a page shows, each followed by the one there is.
func (r *reader) addresses() []string {
	var all []string
	if r.larder != nil {
		all = append(all, shownAddress, r.larder.Address)
	}
	return append(all, r.servers.addresses()...)
}

func (r *reader) asRun(text string) string {
	return strings.NewReplacer(r.addresses()...).Replace(text)
}

func (r *reader) asShown(text string) string {
	all := r.addresses()
	slices.Reverse(all)
	return strings.NewReplacer(all...).Replace(text)
}

// checkTestCommand holds that what a reader is told to run is what CI runs.
func (r *reader) checkTestCommand(t *testing.T, c command) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(r.root, ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(script)), "\n")
	if last := lines[len(lines)-1]; last != c.text {
		t.Errorf("%s: the page says %s, and .ci/run does %s", c.where, c.text, last)
	}
	tasks := exec.CommandContext(t.Context(), "go", "tool", "-modfile=tools/go.mod", "task", "--color=false", "--list")
	tasks.Dir = r.root
	if list, err := tasks.CombinedOutput(); err != nil || !strings.Contains(string(list), "* test:") {
		t.Errorf("%s: there is no such task: %v\n%s", c.where, err, list)
	}
}

// TestREADMEHasTheFirstMinute holds what a newcomer looks for on the first
// screen.
func TestREADMEHasTheFirstMinute(t *testing.T) {
	root := testenv.Root(t)
	var first []string
	for _, b := range readBlocks(t, filepath.Join(root, "README.md")) {
		if b.language != "console" {
			continue
		}
		for _, c := range b.commands(t, "README.md") {
			first = append(first, c.text)
		}
	}
	if len(first) < 6 || first[0] != serveCommand {
		t.Fatalf("README.md begins with %q, not with %q and five curls", first[:min(6, len(first))], serveCommand)
	}
	for _, text := range first[1:6] {
		if !strings.HasPrefix(text, "curl ") {
			t.Errorf("among README.md's first five commands after serve is %q", text)
		}
	}
}
