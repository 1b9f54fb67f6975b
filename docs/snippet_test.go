package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// imports are what the pages' pieces of Go may use.
var imports = map[string]string{
	"api": "larder/api", "context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "json": "encoding/json", "log": "log",
}

// runGo compiles and runs the body of a function of a page, and holds that it
// prints what follows "// Output:" in it.
func (r *reader) runGo(t *testing.T, where string, lines []string) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(r.asRun(program(lines))), 0o600); err != nil {
		t.Fatal(err)
	}
	// An overlay puts the file into the module, where it may import larder/api.
	overlay, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(r.root, "snippet", "main.go"): source},
	})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	run := exec.CommandContext(ctx, "go", "run", "-overlay", overlayFile, "./snippet")
	run.Dir = r.root
	output, err := run.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", where, err, output)
		return
	}
	if shown := shownOutput(lines); !matches(shown, string(output)) {
		t.Errorf("%s: the page shows\n%s\nand this is printed\n%s", where, strings.Join(shown, "\n"), output)
	}
}

// program puts a function's body into a program.
func program(lines []string) string {
	body := strings.Join(lines, "\n")
	var text strings.Builder
	text.WriteString("package main\n\nimport (\n")
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		if name == "log" || regexp.MustCompile(`\b`+name+`\.`).MatchString(body) {
			fmt.Fprintf(&text, "\t%q\n", imports[name])
		}
	}
	text.WriteString(")\n\nfunc run() error {\n" + body + "\nreturn nil\n}\n\n" +
		"func main() {\n\tif err := run(); err != nil {\n\t\tlog.Fatal(err)\n\t}\n}\n")
	return text.String()
}

// shownOutput gives what a piece of Go says it prints, as examples do.
func shownOutput(lines []string) []string {
	start := slices.Index(lines, "// Output:")
	if start < 0 {
		return nil
	}
	var shown []string
	for _, line := range lines[start+1:] {
		if text, ok := strings.CutPrefix(line, "// "); ok {
			shown = append(shown, text)
		}
	}
	return shown
}
