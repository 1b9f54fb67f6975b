package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	figureRows = regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`(?:, )?)+) \\|")
	names      = regexp.MustCompile("`([a-z_]+)`")
	figures    = regexp.MustCompile(`(?m)^larder_(?:backend_([a-z_]+)\{backend="primary"\}|strategy_([a-z_]+)\{strategy="[^"]+"\}) `)
)

// checkFigures holds the page's table of figures to those that its larder has:
// each is there, and no other.
func (r *reader) checkFigures(t *testing.T, page string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.root, page))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "| figure |")
	if !found {
		t.Fatalf("%s has no table that begins with figure", page)
	}
	table, _, _ := strings.Cut(section, "\n\n")
	var shown []string
	for _, row := range figureRows.FindAllStringSubmatch(table, -1) {
		for _, name := range names.FindAllStringSubmatch(row[1], -1) {
			shown = append(shown, name[1])
		}
	}
	scraped, err := r.scratch.run(t.Context(), r.asRun("curl http://"+shownAddress+"/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, figure := range figures.FindAllStringSubmatch(scraped, -1) {
		there = append(there, figure[1]+figure[2])
	}
	slices.Sort(shown)
	slices.Sort(there)
	there = slices.Compact(there) // several strategies may count the same
	if !slices.Equal(shown, there) {
		t.Errorf("%s explains\n%s\nand there are\n%s", page, strings.Join(shown, "\n"), strings.Join(there, "\n"))
	}
}
