package docs

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"larder/internal/testenv"
)

var (
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fences   = regexp.MustCompile("(?s)```.*?```")
)

// TestLinksLeadSomewhere follows every link within the project.
func TestLinksLeadSomewhere(t *testing.T) {
	root := testenv.Root(t)
	followed := 0
	for _, page := range pages(t, root) {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range links.FindAllSubmatch(fences.ReplaceAll(text, nil), -1) {
			link, err := url.Parse(string(match[1]))
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if link.Host != "" {
				continue
			}
			followed++
			target := filepath.Join(root, page)
			if link.Path != "" {
				target = filepath.Join(root, filepath.Dir(page), link.Path)
			}
			if err := checkTarget(target, link.Fragment); err != nil {
				t.Errorf("%s: %s: %v", page, match[1], err)
			}
		}
	}
	if followed == 0 {
		t.Error("no page has a link")
	}
}

func checkTarget(path, fragment string) error {
	if _, err := os.Stat(path); err != nil || fragment == "" {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if strings.HasSuffix(path, ".html") {
		if !strings.Contains(string(text), `id="`+fragment+`"`) {
			return os.ErrNotExist
		}
		return nil
	}
	for _, heading := range headings.FindAllStringSubmatch(string(text), -1) {
		if anchor(heading[1]) == fragment {
			return nil
		}
	}
	return os.ErrNotExist
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchor is a heading's name in links, as forges make it.
func anchor(heading string) string {
	return strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// testNames are those that a page names: `TestKeys`, `TestSuite/ttl`.
var testNames = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]+)((?:/[A-Za-z0-9_-]+)*)`")

// TestNamedTestsExist holds that every promise is kept by a test that is there.
// A sub-test is named as go test does, with _ for a space.
func TestNamedTestsExist(t *testing.T) {
	root := testenv.Root(t)
	functions, sources := testSources(t, root)
	named := 0
	for _, page := range pages(t, root) {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range testNames.FindAllStringSubmatch(string(text), -1) {
			named++
			if !functions[match[1]] {
				t.Errorf("%s names %s, which does not exist", page, match[1])
			}
			for part := range strings.SplitSeq(strings.TrimPrefix(match[2], "/"), "/") {
				if part != "" && !strings.Contains(sources, strconv.Quote(strings.ReplaceAll(part, "_", " "))) {
					t.Errorf("%s names %s%s, and no test has a part %q", page, match[1], match[2], part)
				}
			}
		}
	}
	if named == 0 {
		t.Error("no page names a test")
	}
}

var testFunctions = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)

// testSources gives the names of all tests, and the text of all that tests.
func testSources(t *testing.T, root string) (functions map[string]bool, text string) {
	t.Helper()
	functions = make(map[string]bool)
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go") && !(strings.Contains(path, "storetest") && strings.HasSuffix(path, ".go")):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		all.Write(source)
		for _, match := range testFunctions.FindAllSubmatch(source, -1) {
			functions[string(match[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return functions, all.String()
}
