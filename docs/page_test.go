package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of a page.
type block struct {
	line     int // of its first line, counted from 1
	language string
	lines    []string
}

// readBlocks gives the fenced blocks of a page.
func readBlocks(t *testing.T, path string) []block {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	var open *block
	for i, line := range strings.Split(string(data), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			open = &block{line: i + 2, language: fence}
		case isFence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.lines = append(open.lines, line)
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block has no end", path, open.line-1)
	}
	return blocks
}

// command is what a page has a reader type, and what it says will be seen.
type command struct {
	where  string // page:line
	text   string
	output []string
}

// commands takes a console block apart: a command begins with "$ " and goes on
// after a backslash at a line's end; the lines up to the next are its output.
func (b block) commands(t *testing.T, page string) []command {
	t.Helper()
	var all []command
	unfinished := false
	for i, line := range b.lines {
		where := fmt.Sprintf("%s:%d", page, b.line+i)
		text, begins := strings.CutPrefix(line, "$ ")
		switch {
		case unfinished:
			all[len(all)-1].text += "\n" + line
			unfinished = strings.HasSuffix(line, `\`)
		case begins:
			all = append(all, command{where: where, text: text})
			unfinished = strings.HasSuffix(text, `\`)
		case len(all) == 0:
			t.Fatalf("%s: a console block begins with a command, after \"$ \"", where)
		default:
			last := &all[len(all)-1]
			last.output = append(last.output, line)
		}
	}
	return all
}

var spaces = regexp.MustCompile(" +")

// matches says whether an output is what a page shows. There, … within a line
// stands for any text, and on a line of its own for any lines, none too.
func matches(shown []string, output string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for _, line := range shown {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		parts := strings.Split(strings.TrimSuffix(tidy(line), "\n"), "…")
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		pattern.WriteString(strings.Join(parts, `.*`) + `\n`)
	}
	pattern.WriteString(`\z`)
	return regexp.MustCompile(pattern.String()).MatchString(tidy(output))
}

// tidy makes one of many spaces, as columns have them, and leaves out what
// nobody sees: spaces at the ends of lines, empty lines at the end.
func tidy(output string) string {
	var all strings.Builder
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, " \r\n")
		all.WriteString(spaces.ReplaceAllString(line, " ") + "\n")
	}
	text := strings.TrimRight(all.String(), "\n")
	if text == "" {
		return ""
	}
	return text + "\n"
}

// pages are all that a reader may follow, from the module's root.
func pages(t *testing.T, root string) []string {
	t.Helper()
	found := []string{"README.md"}
	for _, pattern := range []string{"docs/*.md", "examples/*/README.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, name)
		}
	}
	return found
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		shown  string
		output string
		want   bool
	}{
		{"", "", true},
		{"", "x\n", false},
		{"a", "a", true},
		{"a", "a \r\n\n", true},
		{"a …    c", "a  b c", true},
		{"a\n\nb", "a\n\nb", true},
		{"a\nb", "a\n\nb", false},
		{"a", "b", false},
		{"a", "a\nb", false},
		{`{"version":…}`, `{"version":12}`, true},
		{`{"version":…}`, "{\"version\":12\n}", false},
		{"a\n…\nd", "a\nb\nc\nd", true},
		{"a\n…\nd", "a\nd", true},
		{"a\n…", "a\nb", true},
		{"a\n…\nd", "a\nb\nc", false},
		{"(a.b)", "(a.b)", true},
		{"(a.b)", "(axb)", false},
	} {
		var shown []string
		if c.shown != "" {
			shown = strings.Split(c.shown, "\n")
		}
		if got := matches(shown, c.output); got != c.want {
			t.Errorf("%q shown for %q: got %v, want %v", c.shown, c.output, got, c.want)
		}
	}
}
