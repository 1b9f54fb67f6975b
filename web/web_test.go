package web_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"larder"
	"larder/web"
)

func readDoc(tb testing.TB, name string) string {
	tb.Helper()
	text, err := fs.ReadFile(web.Docs(), name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// As /docs, index.html finds its neighbours under docs/; as a file under
// /docs/, problems.html finds them beside it.
func TestDocsFindsWhatItNeeds(t *testing.T) {
	address := regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	besides := map[string]bool{"openapi.yaml": true, "docs": true}
	for page, at := range map[string]string{"index.html": "/docs", "problems.html": "/docs/problems.html"} {
		found := 0
		for _, match := range address.FindAllStringSubmatch(readDoc(t, page), -1) {
			if strings.Contains(match[1], ":") || strings.HasPrefix(match[1], "/") {
				t.Errorf("%s: %s is not relative", page, match[1])
			}
			target := strings.TrimPrefix(path.Join(path.Dir(at), match[1]), "/")
			name, under := strings.CutPrefix(target, "docs/")
			if !under {
				if !besides[target] {
					t.Errorf("%s: nothing is served at /%s", page, target)
				}
				continue
			}
			readDoc(t, name)
			found++
		}
		if found < 2 {
			t.Errorf("%s needs only %d files", page, found)
		}
	}
}

func TestDocsKeepsItsPolicy(t *testing.T) {
	for _, page := range []string{"index.html", "problems.html"} {
		text := readDoc(t, page)
		for what, pattern := range map[string]string{
			"an inline script":        `<script(?:\s+defer)?>`,
			"a script with a body":    `<script[^>]*>[^<]`,
			"an inline style":         `<style|\sstyle=`,
			"an inline event handler": `\son[a-z]+=`,
		} {
			if found := regexp.MustCompile(pattern).FindString(text); found != "" {
				t.Errorf("%s has %s: %s", page, what, found)
			}
		}
	}
	if strings.Contains(web.DocsCSP, "unsafe") {
		t.Errorf("the policy is %s", web.DocsCSP)
	}
}

func TestDocsAsksNobodyElse(t *testing.T) {
	for _, name := range []string{"index.html", "problems.html", "docs.js", "docs.css"} {
		text := strings.ReplaceAll(readDoc(t, name), "http://www.w3.org/", "")
		if found := regexp.MustCompile(`(?:https?:)?//[a-z0-9]+\.[^\s"']*`).FindString(text); found != "" {
			t.Errorf("%s names %s", name, found)
		}
	}
	for _, name := range []string{"swagger-ui.css", "swagger-ui-bundle.js"} {
		if strings.Contains(readDoc(t, name), "sourceMappingURL") {
			t.Errorf("%s asks for its source map", name)
		}
	}
	if outside := regexp.MustCompile(`(?:url\(|@import )["']?(?:https?:)?//`).FindString(readDoc(t, "swagger-ui.css")); outside != "" {
		t.Errorf("swagger-ui.css loads from outside: %s", outside)
	}
	if !strings.Contains(readDoc(t, "docs.js"), "validatorUrl: null") {
		t.Error("docs.js sends the contract to a validator")
	}
}

func TestProblemsHaveASection(t *testing.T) {
	page := readDoc(t, "problems.html")
	rows := regexp.MustCompile("(?m)^ +\\| `([a-z_]+)` \\| [0-9, ]+ \\| ").FindAllSubmatch(larder.OpenAPI(), -1)
	if len(rows) < 35 {
		t.Fatalf("the contract lists only %d codes", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(page, `<dt id="`+string(row[1])+`">`) {
			t.Errorf("%s has no section: npm run build", row[1])
		}
	}
}

// Licences of what is redistributed go with it.
func TestDocsBringsItsLicences(t *testing.T) {
	for _, name := range []string{"swagger-ui.LICENSE.txt", "swagger-ui.NOTICE.txt", "swagger-ui-bundle.js.LICENSE.txt"} {
		if readDoc(t, name) == "" {
			t.Errorf("%s is empty", name)
		}
	}
}

// The packages come from whichever registry npm is set up with.
func TestLockFileNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), `"resolved"`) || strings.Contains(string(lock), "https://") {
		t.Error("package-lock.json says where packages come from")
	}
}
