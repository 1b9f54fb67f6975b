package docs

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"larder/internal/testenv"
)

// Where a reader's PostgreSQL listens, and its standby.
const (
	shownServer  = "127.0.0.1:5432"
	shownStandby = "127.0.0.1:5433"
)

// overServer is how a page says that its larder serves from PostgreSQL, from
// there on.
var overServer = regexp.MustCompile(`^(LARDER_PRIMARY=postgres://\S+(?: LARDER_\S+)*) larder serve$`)

// overPostgres gives the settings of a command that is so.
func overPostgres(c command) (settings string, serves bool) {
	if found := overServer.FindStringSubmatch(c.text); found != nil {
		return found[1], true
	}
	return "", false
}

// servers are a page's own; both nil where its larder has a file.
type servers struct{ primary, standby *testenv.PostgresServer }

// serversFor starts the servers that a page's commands name.
func serversFor(t *testing.T, page string, blocks []block) servers {
	t.Helper()
	var s servers
	for _, b := range blocks {
		if b.language != "console" {
			continue
		}
		for _, c := range b.commands(t, page) {
			if _, serves := overPostgres(c); serves && s.primary == nil {
				s.primary = testenv.StartPostgres(t, testenv.PostgresOptions{Durable: true})
			}
			if strings.Contains(c.text, shownStandby) && s.standby == nil {
				s.standby = testenv.StartStandby(t, s.primary, "standby", testenv.PostgresOptions{})
			}
		}
	}
	return s
}

// addresses are those that a page shows, each followed by the one there is.
func (s servers) addresses() []string {
	var all []string
	if s.primary != nil {
		all = append(all, shownServer, s.primary.Address)
	}
	if s.standby != nil {
		all = append(all, shownStandby, s.standby.Address)
	}
	return all
}

// awaitStandby waits until a larder that was told of the standby uses it.
func (s servers) awaitStandby(t *testing.T, larder *testenv.Larder, settings string) {
	t.Helper()
	if !strings.Contains(settings, shownStandby) {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	look := terminal{dir: t.TempDir(), env: environ()}
	for {
		seen, err := look.run(ctx, "curl -s "+larder.URL+"/backends/primary")
		if err != nil {
			t.Fatalf("the standby is not used: %v\n%s", err, seen)
		}
		if strings.Contains(seen, "in use, ") {
			return
		}
	}
}

// postgresPrograms is the directory of psql and pg_dump.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	psql, err := testenv.PostgresBinary("psql")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(psql)
}

// environ is the test's environment without what larder and PostgreSQL's
// programs take settings from.
func environ() []string {
	return slices.DeleteFunc(testenv.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "PG") })
}

var (
	figureRows = regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`(?:, )?)+) \\|")
	names      = regexp.MustCompile("`([a-z_]+)`")
	figures    = regexp.MustCompile(`(?m)^larder_backend_([a-z_]+)\{backend="primary"\} `)
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
		there = append(there, figure[1])
	}
	slices.Sort(shown)
	slices.Sort(there)
	if !slices.Equal(shown, there) {
		t.Errorf("%s explains\n%s\nand there are\n%s", page, strings.Join(shown, "\n"), strings.Join(there, "\n"))
	}
}
