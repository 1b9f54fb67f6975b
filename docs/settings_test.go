package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"larder/internal/testenv"
)

var (
	settingNames = regexp.MustCompile(`LARDER_[A-Z_]+`)
	settingRows  = regexp.MustCompile("(?m)^\\| `(LARDER_[A-Z_]+)` \\| `([^`]*)` \\|")
)

// notSettings are variables that pages name besides.
var notSettings = map[string]string{
	"LARDER_CONFIG":            "names the file of settings",
	"LARDER_URL":               "is for the client",
	"LARDER_PRIMARY_FILE":      "holds another setting",
	"LARDER_BACKENDS_FILE":     "holds another setting",
	"LARDER_":                  "begins them all",
	"LARDER_TEST_POSTGRES_URL": "is the tests' own",
	"LARDER_TEST_REDIS_URL":    "is the tests' own",
	"LARDER_PORT":              "is a wrong one, for its error",
	"LARDER_SCAN_BUGDET":       "is a wrong one, for its error",
}

// TestSettingsAreTrue holds that every setting that a page names exists, and
// that its default is the one in the table.
func TestSettingsAreTrue(t *testing.T) {
	root := testenv.Root(t)
	show := exec.CommandContext(t.Context(), testenv.Build(t).Path, "config", "--json")
	show.Env = testenv.Environ()
	output, err := show.Output()
	if err != nil {
		t.Fatal(err)
	}
	var settings []struct{ Name, Value string }
	if err := json.Unmarshal(output, &settings); err != nil {
		t.Fatal(err)
	}
	defaults := make(map[string]string)
	for _, s := range settings {
		defaults[s.Name] = s.Value
	}
	rows := 0
	for _, page := range pages(t, root) {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range settingNames.FindAllString(string(text), -1) {
			_, known := defaults[name]
			if _, other := notSettings[name]; !known && !other {
				t.Errorf("%s names %s, which is no setting", page, name)
			}
		}
		for _, row := range settingRows.FindAllStringSubmatch(string(text), -1) {
			rows++
			if name, shown := row[1], row[2]; !sameSetting(shown, defaults[name]) {
				t.Errorf("%s: the default of %s is %s, not %s", page, name, defaults[name], shown)
			}
		}
	}
	if rows == 0 {
		t.Error("no page has a table of settings")
	}
}

// sameSetting says whether two texts mean the same: 168h is 168h0m0s.
func sameSetting(a, b string) bool {
	x, err := time.ParseDuration(a)
	if err != nil {
		return strings.EqualFold(a, b)
	}
	y, err := time.ParseDuration(b)
	return err == nil && x == y
}
